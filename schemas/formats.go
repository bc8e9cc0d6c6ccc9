package schemas

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

//go:embed formats/*.yaml
var formatFiles embed.FS

// OtherKeys is the json field of the schema of each [Format] for the keys that are no columns.
const OtherKeys = "other"

// Format is a form of files that a program or a service writes, with the schema of its rows.
type Format struct {
	// Name is that of the schema with dashes for underscores, such as anthropic-batch.
	Name string
	// Definition has the schema, which takes its values from where the format has them, and collects all else in the
	// field [OtherKeys].
	Definition Definition
	// Text is the definition as YAML.
	Text string
}

// formats reads the embedded files once. They are part of the program, so a problem in them is a bug.
var formats = sync.OnceValue(func() (all []Format) {
	fault := fs.WalkDir(formatFiles, "formats", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := formatFiles.ReadFile(path)
		if err != nil {
			return err
		}
		defs, err := Parse("builtin/"+path, text)
		if err != nil {
			return err
		}
		for _, def := range defs {
			all = append(all, Format{Name: strings.ReplaceAll(def.Schema.Name, "_", "-"), Definition: def, Text: string(text)})
		}
		return nil
	})
	if fault != nil {
		panic(fmt.Sprintf("schemas: embedded formats: %v", fault))
	}
	return all
})

// Formats returns the known formats, by name: anthropic-batch, bfcl-result, bfcl-score, openai-batch, openai-finetune and
// vllm-bench. The slice is the caller's, but what its elements point to is shared and must not be changed.
func Formats() []Format { return slices.Clone(formats()) }
