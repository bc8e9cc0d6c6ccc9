package block

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/factload/factload/fact"
)

// A place is a value of a row that the schema says something of: one that a
// field takes, or an object or array with such places in it. The places of the
// fields come first, under the fields' numbers.
//
//	{"id": "a", "usage": {"in": 3}, "choices": [{"text": "b"}]}
//
//	field 0  id                    place 3  usage      container 1
//	field 1  usage.in              place 4  choices    container 2
//	field 2  choices.0.text        place 5  choices.0  container 3
//
// The row itself is container 0.
type place struct {
	path      string // as fact.Field.From has it
	key       []byte // its last step as a key of JSON, in quotes
	container int    // what it is, unless a field takes it
}

// container is an object or an array with places in it.
type container struct {
	array bool
	path  string // with a dot behind it, but for the row's own, which is empty
	// index finds the places in an object by their keys, which names has in the
	// order of the schema.
	index map[string]int
	names []string
	// elements are the places in an array, by their numbers.
	elements []element
	// start is the number, among the places, of the container's beginning: what
	// comes before its first key. It is 0 for the row, else that of its place and
	// all places together.
	start int
}

// element is an element of an array that the schema says something of.
type element struct{ number, place int }

// setPlaces finds the places of the fields, which have been validated.
func (l *Layout) setPlaces(fields []fact.Field) error {
	l.places, l.keys = make([]place, len(fields)), make([]keyword, len(fields))
	l.containers = []container{{index: make(map[string]int)}}
	for i, f := range fields {
		path, err := f.Path()
		if err != nil {
			return err
		}
		at := 0
		for n := range path {
			last := n == len(path)-1
			p, known := l.containers[at].find(path[n])
			if !known {
				if p = i; !last {
					p = len(l.places)
					l.places, l.keys = append(l.places, place{}), append(l.keys, keyword{})
				}
				l.addPlace(at, p, path[:n+1])
			}
			if last {
				break
			}
			if l.places[p].container == 0 {
				l.places[p].container = len(l.containers)
				l.containers = append(l.containers, container{
					array: path[n+1].InArray, path: path[:n+1].String() + ".", index: make(map[string]int), start: p,
				})
			}
			at = l.places[p].container
		}
	}
	for i := range l.containers[1:] {
		c := &l.containers[i+1]
		c.start += 1 + len(l.places)
		slices.SortFunc(c.elements, func(a, b element) int { return cmp.Compare(a.number, b.number) })
	}
	return nil
}

// find returns the place behind a step.
func (c *container) find(step fact.Step) (place int, known bool) {
	if !step.InArray {
		place, known = c.index[step.Key]
		return place, known
	}
	for _, e := range c.elements {
		if e.number == step.Index {
			return e.place, true
		}
	}
	return 0, false
}

// addPlace puts place p, to which the path leads, into a container.
func (l *Layout) addPlace(at, p int, path fact.Path) {
	c, step := &l.containers[at], path[len(path)-1]
	l.places[p].path = path.String()
	if step.InArray {
		l.places[p].key = elementKey(step.Index)
		c.elements = append(c.elements, element{step.Index, p})
		return
	}
	l.places[p].key, _ = json.Marshal(step.Key) // text always has JSON
	l.keys[p] = newKeyword(keyPrefix(step.Key))
	c.index[step.Key] = p
	c.names = append(c.names, step.Key)
}

// elementKey is the key under which an element is collected.
func elementKey(number int) []byte { return strconv.AppendQuote(nil, strconv.Itoa(number)) }

// predictions returns what follows what at first: the places of each object in
// the order of the schema, round and round. Each place stands behind its number
// plus 1, each beginning of an object behind its start.
func (l *Layout) predictions() []int {
	follow := make([]int, 1+2*len(l.places))
	for i := range l.containers {
		c := &l.containers[i]
		last := c.start
		for _, name := range c.names {
			follow[last] = c.index[name]
			last = c.index[name] + 1
		}
		if len(c.names) > 0 {
			follow[last] = c.index[c.names[0]]
		}
	}
	return follow
}
