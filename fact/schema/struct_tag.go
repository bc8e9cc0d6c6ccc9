package schema

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/factload/factload/fact/internal/jsontext"
)

// tagFlags and tagKeys are what a tag may have besides the name of a type.
var (
	tagFlags = []string{"nullable", "fact_id", "omitzero", "quoted"}
	tagKeys  = []string{"default", "precision", "scale", "values", "from", "unit", "nan", "surrogates", "null"}
)

// readTags fills in what the tags of a struct's field say, and returns what is
// wrong with them.
func (f *StructField) readTags(sf reflect.StructField) (problems []string) {
	name, rest, more := strings.Cut(sf.Tag.Get("fact"), ",")
	f.Field.Comment = sf.Tag.Get("comment")
	if f.Field.Name = strings.TrimSpace(name); f.Field.Name == "" {
		f.Field.Name = snakeCase(sf.Name)
	}
	if !utf8.ValidString(f.Field.Name) {
		problems = append(problems, "its name is not valid UTF-8")
	}
	seen := make(map[string]bool)
	for more {
		// The default takes the rest, commas and all.
		if f.DefaultText, f.HasDefault = strings.CutPrefix(strings.TrimLeft(rest, " "), "default="); f.HasDefault {
			break
		}
		var option string
		option, rest, more = cutOption(rest)
		option = strings.TrimSpace(option)
		key, value, hasValue := strings.Cut(option, "=")
		if seen[key] {
			problems = append(problems, fmt.Sprintf("option %q is there twice", key))
		}
		seen[key] = true
		if problem := f.setOption(key, value, hasValue); problem != "" {
			problems = append(problems, problem)
		}
	}
	return problems
}

// cutOption returns the first option of a tag, and what follows its comma. The
// path that from= gives may have commas in quotes.
func cutOption(rest string) (option, after string, more bool) {
	if !strings.HasPrefix(strings.TrimLeft(rest, " "), "from=") {
		return strings.Cut(rest, ",")
	}
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '"':
			i += quotedEnd(rest[i:]) - 1
		case ',':
			return rest[:i], rest[i+1:], true
		}
	}
	return rest, "", false
}

// setOption takes in one option and says what is wrong with it, or "".
func (f *StructField) setOption(key, value string, hasValue bool) string {
	var err error
	switch {
	case key == "nullable" && !hasValue:
		f.Field.Nullable = true
	case key == "fact_id" && !hasValue:
		f.Field.FactID, f.OmitZero = true, true
	case key == "omitzero" && !hasValue:
		f.OmitZero = true
	case key == "precision" && hasValue:
		f.Field.Precision, err = strconv.Atoi(value)
	case key == "scale" && hasValue:
		f.Field.Scale, err = strconv.Atoi(value)
	case key == "values" && hasValue:
		f.Field.Values = strings.Split(value, "|")
	case key == "from" && hasValue:
		f.Field.From = value
	case key == "unit" && hasValue:
		f.Field.Unit = Unit(value)
	case key == "quoted" && !hasValue:
		f.Field.Quoted = true
	case slices.Contains(oneValueKeys, key) && hasValue:
		return f.Field.setWord(key, value)
	case hasValue && slices.Contains(tagFlags, key):
		return fmt.Sprintf("option %q takes no value", key)
	case !hasValue && slices.Contains(tagKeys, key):
		return fmt.Sprintf("option %q needs a value, as in %s=...", key, key)
	case hasValue:
		return fmt.Sprintf("unknown option %q%s known options with a value are %s", key, suggest(key, tagKeys), strings.Join(tagKeys, ", "))
	default:
		return f.setType(key)
	}
	if err != nil {
		return fmt.Sprintf("option %q wants a whole number, got %s", key, jsontext.Excerpt([]byte(value)))
	}
	return ""
}

// oneValueKeys are the words that have one value only, so far.
var oneValueKeys = []string{"nan", "surrogates", "null"}

// setWord sets a word that has one value only.
func (f *Field) setWord(key, value string) (problem string) {
	want := map[string]string{"nan": "null", "surrogates": "replace", "null": "default"}[key]
	if value != want {
		return fmt.Sprintf("option %q is %s, or left out", key, want)
	}
	switch key {
	case "nan":
		f.NaNIsNull = true
	case "surrogates":
		f.ReplaceSurrogates = true
	case "null":
		f.NullIsDefault = true
	}
	return ""
}

func (f *StructField) setType(name string) string {
	if f.Typed {
		return fmt.Sprintf("has two types, %s and %s", f.Field.Type, name)
	}
	if name == "low_cardinality" {
		name = LowCardinalityString.String()
	}
	t, err := ParseFieldType(name)
	if err != nil {
		var known []string
		for _, t := range FieldTypes() {
			known = append(known, t.String())
		}
		known = append(known, tagFlags...)
		return fmt.Sprintf("unknown option or type %q%s known are %s", name, suggest(name, known), strings.Join(known, ", "))
	}
	f.Field.Type, f.Typed = t, true
	return ""
}

// suggest returns the candidate that differs from name in one letter, as a
// question, or just a colon.
func suggest(name string, candidates []string) string {
	for _, c := range candidates {
		if oneLetterApart(name, c) || oneLetterApart(c, name) {
			return fmt.Sprintf(", did you mean %q?", c)
		}
	}
	return ":"
}

// oneLetterApart reports whether b is a with one letter more, or with one
// letter replaced.
func oneLetterApart(a, b string) bool {
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	if same == len(b) {
		return false
	}
	return a[same:] == b[same+1:] || (same < len(a) && a[same+1:] == b[same+1:])
}

// snakeCase turns ConversationID into conversation_id.
func snakeCase(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, c := range runes {
		if unicode.IsUpper(c) && i > 0 {
			afterLower := !unicode.IsUpper(runes[i-1]) && runes[i-1] != '_'
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1]) && runes[i-1] != '_'
			if afterLower || beforeLower {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}
