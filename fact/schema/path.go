package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/factload/factload/fact/internal/jsontext"
)

// Path leads from a row to one of the values in it: a key of the row, then a
// key or the number of an element in each value on the way.
type Path []Step

// Step is one step of a [Path].
type Step struct {
	// Key is a key of an object.
	Key string
	// Index is the number of an element of an array, counted from 0. It counts
	// only if InArray says so.
	Index   int
	InArray bool
	// Each stands for all elements of an array, in a path of [ParseRowsPath]. InArray is
	// true then.
	Each bool
}

const (
	maxSteps = 100
	maxIndex = 1_000_000
)

// ParsePath reads a path as [Field.From] has it: steps with dots between them.
//
//	response.body.usage.prompt_tokens   keys of objects in objects
//	choices.0.message.content           a number is that of an element of an array
//	"gen_ai.usage".input                a key with dots, or of digits only, in double quotes
//
// In quotes, a key is written as a string of JSON. The first step is a key, and
// there are at most 100.
func ParsePath(text string) (Path, error) {
	path, err := parsePath(text)
	switch {
	case err != nil:
		return nil, err
	case path[0].InArray && !path[0].Each:
		return nil, fmt.Errorf(`it begins with the number of an element, but a row is an object: put a key of digits in quotes, as in "%d"`, path[0].Index)
	case slices.ContainsFunc(path, func(s Step) bool { return s.Each }):
		return nil, errors.New(`* stands for all elements of an array, and a field has one value: put a key * in quotes, "*"`)
	}
	return path, nil
}

// ParseRowsPath reads a path to the rows of a file. It is one of [ParsePath] that may begin
// with the number of an element, and in which * stands for all elements of an array:
//
//	resourceSpans.*.scopeSpans.*.spans
func ParseRowsPath(text string) (Path, error) { return parsePath(text) }

func parsePath(text string) (Path, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("it is not valid UTF-8")
	}
	var path Path
	for rest, more := text, true; more; {
		step, after, err := parseStep(rest)
		if err != nil {
			return nil, err
		}
		if path = append(path, step); len(path) > maxSteps {
			return nil, fmt.Errorf("it has more than %d steps", maxSteps)
		}
		if after != "" && after[0] != '.' {
			return nil, fmt.Errorf("a dot has to follow the quotes, not %s", jsontext.Excerpt([]byte(after)))
		}
		more = after != ""
		rest = strings.TrimPrefix(after, ".")
	}
	return path, nil
}

// parseStep reads the first step of a path and returns what follows it.
func parseStep(text string) (step Step, rest string, err error) {
	if strings.HasPrefix(text, `"`) {
		end := quotedEnd(text)
		if json.Unmarshal([]byte(text[:end]), &step.Key) != nil {
			return step, "", fmt.Errorf("%s is not a key in quotes", jsontext.Excerpt([]byte(text)))
		}
		return step, text[end:], nil
	}
	key, _, _ := strings.Cut(text, ".")
	rest = text[len(key):]
	switch {
	case key == "":
		return step, "", errors.New(`a key is empty: an empty key is written in quotes, ""`)
	case strings.ContainsRune(key, '"'):
		return step, "", fmt.Errorf("the key %s has a quote in it: put it in quotes, as a string of JSON", jsontext.Excerpt([]byte(key)))
	case key == "*":
		return Step{InArray: true, Each: true}, rest, nil
	case !jsontext.IsDigits(key):
		return Step{Key: key}, rest, nil
	}
	n, err := strconv.Atoi(key)
	if err != nil || n > maxIndex || len(key) > 1 && key[0] == '0' {
		return step, "", fmt.Errorf("%s is not the number of an element of an array (0 to %d): put a key of digits in quotes", jsontext.Excerpt([]byte(key)), maxIndex)
	}
	return Step{Index: n, InArray: true}, rest, nil
}

// quotedEnd returns where the string ends that text begins with, or the end of
// text.
func quotedEnd(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// String returns the path as ParsePath and ParseRowsPath read it.
func (p Path) String() string {
	var b []byte
	for i, step := range p {
		if i > 0 {
			b = append(b, '.')
		}
		switch {
		case step.Each:
			b = append(b, '*')
		case step.InArray:
			b = strconv.AppendInt(b, int64(step.Index), 10)
		case step.Key == "" || step.Key == "*" || jsontext.IsDigits(step.Key) || strings.ContainsFunc(step.Key, needsQuotes):
			b = jsontext.AppendString(b, step.Key)
		default:
			b = append(b, step.Key...)
		}
	}
	return string(b)
}

func needsQuotes(r rune) bool {
	return r == '.' || r == '"' || r == '\\' || r == utf8.RuneError || !unicode.IsPrint(r)
}

// Lookup returns the value that a path leads to in data, through map[string]any
// and []any, and whether there is one.
func (p Path) Lookup(data map[string]any) (value any, ok bool) {
	value = data
	for _, step := range p {
		switch x := value.(type) {
		case map[string]any:
			value, ok = x[step.Key]
		case []any:
			if ok = step.InArray && step.Index < len(x); ok {
				value = x[step.Index]
			}
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
	}
	return value, true
}

// Path returns where in a row the value of the field is: what From says, or the
// key Name. The error is that of ParsePath.
func (f Field) Path() (Path, error) {
	if f.From == "" {
		return Path{{Key: f.Name}}, nil
	}
	return ParsePath(f.From)
}
