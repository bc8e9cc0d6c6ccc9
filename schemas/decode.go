package schemas

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/factload/factload/internal/suggest"
)

// Tags of YAML values.
const (
	tagNull      = "!!null"
	tagBool      = "!!bool"
	tagText      = "!!str"
	tagInt       = "!!int"
	tagFloat     = "!!float"
	tagTimestamp = "!!timestamp"
	tagMerge     = "!!merge"
)

// A decoder turns YAML nodes into Go values by their yaml tags. It is strict and goes on after a problem, and it keeps
// the position of everything it has read.
type decoder struct {
	*problems
	// at holds the position of each value by its path, such as fields[2].name.
	at map[string]position
}

func newDecoder(p *problems) *decoder {
	return &decoder{problems: p, at: make(map[string]position)}
}

func positionOf(n *yaml.Node) position { return position{n.Line, n.Column} }

// decode reads n into v. What is wrong with n is reported, and v then holds whatever could be read.
func (d *decoder) decode(path string, n *yaml.Node, v reflect.Value) {
	d.at[path] = positionOf(n)
	if !d.plain(n) {
		return
	}
	if node, ok := v.Addr().Interface().(**yaml.Node); ok {
		*node = n
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.object(path, n, v)
	case reflect.Map:
		d.table(path, n, v)
	case reflect.Slice:
		d.list(path, n, v)
	default:
		d.scalar(n, v)
	}
}

const noAliases = "anchors and aliases are not supported: write the value out"

// plain reports whether n is free of anchors and aliases. What is inside of n is not looked at.
func (d *decoder) plain(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.add(positionOf(n), noAliases)
		return false
	}
	return true
}

// empty reports whether n is a null. A block whose lines are all comments is one.
func empty(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == tagNull }

// object reads a mapping into a struct. Keys that the struct has no tag for are reported.
func (d *decoder) object(path string, n *yaml.Node, v reflect.Value) {
	fields, known := keysOf(v.Type())
	for key, value := range d.pairs(path, n) {
		i, ok := fields[key.Value]
		if !ok {
			d.unknownKey(key, value, known)
			continue
		}
		d.decode(join(path, key.Value), value, v.Field(i))
	}
}

// unknownKey reports a key. One without a value, as in {type: set(1, 2)}, is most
// likely what follows a comma of the value before it.
func (d *decoder) unknownKey(key, value *yaml.Node, known []string) {
	hint := suggest.DidYouMean(key.Value, known)
	if hint == "" {
		hint = ": known keys are " + strings.Join(known, ", ")
		if empty(value) && value.Value == "" {
			hint += "; if it belongs to the value before it, put that in quotes, because of the comma"
		}
	}
	d.add(positionOf(key), "unknown key %q%s", key.Value, hint)
}

// keysOf returns the index of each field of a struct by its key, and the keys in order.
func keysOf(t reflect.Type) (fields map[string]int, keys []string) {
	fields = make(map[string]int, t.NumField())
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		fields[key] = i
		keys = append(keys, key)
	}
	return fields, keys
}

// table reads a mapping into a map with text keys.
func (d *decoder) table(path string, n *yaml.Node, v reflect.Value) {
	t := v.Type()
	for key, value := range d.pairs(path, n) {
		if v.IsNil() {
			v.Set(reflect.MakeMap(t))
		}
		element := reflect.New(t.Elem()).Elem()
		if t.Elem().Kind() == reflect.String && d.plain(value) && isPlainScalar(value) {
			// A setting is written as it is: 8192, true or wide.
			d.at[join(path, key.Value)] = positionOf(value)
			element.SetString(value.Value)
		} else {
			d.decode(join(path, key.Value), value, element)
		}
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(t.Key()), element)
	}
}

// isPlainScalar reports whether n is a number or a bool.
func isPlainScalar(n *yaml.Node) bool {
	switch n.ShortTag() {
	case tagInt, tagFloat, tagBool:
		return n.Kind == yaml.ScalarNode
	}
	return false
}

// pairs yields the keys and values of a mapping, once each. It reports what is not a mapping, what is not a key, and
// keys that are there twice. Nothing at all is an empty mapping.
func (d *decoder) pairs(path string, n *yaml.Node) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if empty(n) {
			return
		}
		if n.Kind != yaml.MappingNode {
			d.add(positionOf(n), "%swant a mapping of keys to values, got %s", prefix(path), describe(n))
			return
		}
		lines := make(map[string]int, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if !d.plain(key) {
				continue
			}
			switch first, twice := lines[key.Value]; {
			case key.Kind != yaml.ScalarNode:
				d.add(positionOf(key), "a key is text, got %s", describe(key))
				continue
			case key.ShortTag() == tagMerge:
				d.add(positionOf(key), "merge keys are not supported: write the keys out")
				continue
			case twice:
				d.add(positionOf(key), "key %q is there twice, first on line %d", key.Value, first)
				continue
			}
			lines[key.Value] = key.Line
			if !yield(key, value) {
				return
			}
		}
	}
}

// list reads a sequence into a slice.
func (d *decoder) list(path string, n *yaml.Node, v reflect.Value) {
	if empty(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.add(positionOf(n), "%swant a list, got %s", prefix(path), describe(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, element := range n.Content {
		d.decode(path+"["+strconv.Itoa(i)+"]", element, v.Index(i))
	}
}

// scalar reads text, a bool or an integer.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value) {
	tag, isScalar := n.ShortTag(), n.Kind == yaml.ScalarNode
	switch kind := v.Kind(); {
	case kind == reflect.String && isScalar && tag == tagText:
		v.SetString(n.Value)
	case kind == reflect.String && isScalar && tag != tagNull:
		d.add(positionOf(n), "want text, got %s: put it in quotes", describe(n))
	case kind == reflect.String:
		d.add(positionOf(n), "want text, got %s", describe(n))
	case kind == reflect.Bool:
		var b bool
		if !isScalar || tag != tagBool || n.Decode(&b) != nil {
			d.add(positionOf(n), "want true or false, got %s", describe(n))
		}
		v.SetBool(b)
	case kind == reflect.Int:
		var i int64
		if !isScalar || tag != tagInt || n.Decode(&i) != nil || v.OverflowInt(i) {
			d.add(positionOf(n), "want a whole number, got %s", describe(n))
			return
		}
		v.SetInt(i)
	default:
		panic(fmt.Sprintf("schemas: no way to read YAML into %s", v.Type()))
	}
}

// join returns the path of a key below a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// prefix returns the path followed by a colon, for problems that would be unclear without it.
func prefix(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

// describe names the kind of a value, with the value itself where it is short.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	case yaml.ScalarNode:
	default:
		return "a document"
	}
	switch tag := n.ShortTag(); tag {
	case tagNull:
		return "nothing"
	case tagBool:
		return "the bool " + cut(n.Value)
	case tagInt, tagFloat:
		return "the number " + cut(n.Value)
	case tagTimestamp:
		return "the date " + cut(n.Value)
	case tagText:
		return "the text " + strconv.Quote(cut(n.Value))
	default:
		return "a value with the tag " + cut(tag)
	}
}

// cut shortens a value for a message.
func cut(s string) string {
	const most = 60
	if r := []rune(s[:min(len(s), 4*most+4)]); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
