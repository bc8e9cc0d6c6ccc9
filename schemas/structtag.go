package schemas

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/factload/factload/fact"
)

// structTag is what the tag of a struct's field says.
type structTag struct {
	field       fact.Field
	hasType     bool
	hasDefault  bool
	defaultText string
}

// tagFlags and tagKeys are what a tag may have besides the name of a type.
var (
	tagFlags = []string{"nullable", "fact_id"}
	tagKeys  = []string{"default", "precision", "scale", "values"}
)

// parseTag reads the text of a tag. The default takes the rest of it, commas and all.
func parseTag(text string) (tag structTag, problems []string) {
	name, rest, more := strings.Cut(text, ",")
	tag.field.Name = strings.TrimSpace(name)
	seen := make(map[string]bool)
	for more {
		if tag.defaultText, tag.hasDefault = strings.CutPrefix(strings.TrimLeft(rest, " "), "default="); tag.hasDefault {
			break
		}
		var option string
		option, rest, more = strings.Cut(rest, ",")
		option = strings.TrimSpace(option)
		key, value, hasValue := strings.Cut(option, "=")
		if seen[key] {
			problems = append(problems, fmt.Sprintf("option %q is there twice", key))
		}
		seen[key] = true
		if problem := tag.set(key, value, hasValue); problem != "" {
			problems = append(problems, problem)
		}
	}
	return tag, problems
}

// set takes in one option and says what is wrong with it, or "".
func (tag *structTag) set(key, value string, hasValue bool) string {
	var err error
	switch {
	case key == "nullable" && !hasValue:
		tag.field.Nullable = true
	case key == "fact_id" && !hasValue:
		tag.field.FactID = true
	case key == "precision" && hasValue:
		tag.field.Precision, err = strconv.Atoi(value)
	case key == "scale" && hasValue:
		tag.field.Scale, err = strconv.Atoi(value)
	case key == "values" && hasValue:
		tag.field.Values = strings.Split(value, "|")
	case hasValue && slices.Contains(tagFlags, key):
		return fmt.Sprintf("option %q takes no value", key)
	case !hasValue && slices.Contains(tagKeys, key):
		return fmt.Sprintf("option %q needs a value, as in %s=...", key, key)
	case hasValue:
		return fmt.Sprintf("unknown option %q%s", key, orColon(didYouMean(key, tagKeys))+" known options with a value are "+strings.Join(tagKeys, ", "))
	default:
		return tag.setType(key)
	}
	if err != nil {
		return fmt.Sprintf("option %q wants a whole number, got %q", key, cut(value))
	}
	return ""
}

func (tag *structTag) setType(name string) string {
	if tag.hasType {
		return fmt.Sprintf("has two types, %s and %s", tag.field.Type, name)
	}
	if name == "low_cardinality" {
		name = fact.LowCardinalityString.String()
	}
	t, err := fact.ParseFieldType(name)
	if err != nil {
		known := append(typeNames(), tagFlags...)
		return fmt.Sprintf("unknown option or type %q%s known are %s", name, orColon(didYouMean(name, known)), strings.Join(known, ", "))
	}
	tag.field.Type, tag.hasType = t, true
	return ""
}

// parseDefault reads a default as if it stood in a schema file.
func parseDefault(f fact.Field, text string) (value any, problem string) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return nil, fmt.Sprintf("default %q: %v", cut(text), err)
	}
	if len(root.Content) != 1 {
		return nil, "the default is empty: write '' for an empty text"
	}
	p := &problems{}
	value = newDecoder(p).defaultValue(f, root.Content[0])
	if p.total > 0 {
		return nil, p.found[0].Problem
	}
	return value, ""
}
