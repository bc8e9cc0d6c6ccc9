package sample

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// A template is text with slots that are filled at random. All its text is escaped for JSON once, when it is made.
type template []part

// A part is a literal followed by what fills the slot after it: a word, a number below limit, or nothing.
type part struct {
	literal string
	words   []string
	limit   int
}

// slotLimits are the slots that take a number, with the limit that it stays below.
var slotLimits = map[string]int{"digit": 10, "percent": 100, "count": 1000, "number": 100_000}

// textTemplates returns templates to be used inside a JSON string.
func textTemplates(texts ...string) []template { return compileAll(escape, texts) }

// jsonTemplates returns templates that are JSON themselves.
func jsonTemplates(texts ...string) []template {
	return compileAll(func(s string) string { return s }, texts)
}

func compileAll(literal func(string) string, texts []string) []template {
	templates := make([]template, len(texts))
	for i, text := range texts {
		templates[i] = compile(literal, text)
	}
	return templates
}

// compile reads a text with slots such as <tech>. A name without words and without limit is an ordinary text.
func compile(literal func(string) string, text string) template {
	var (
		t       template
		pending strings.Builder
	)
	for {
		before, rest, _ := strings.Cut(text, "<")
		pending.WriteString(before)
		if rest == "" {
			return append(t, part{literal: literal(pending.String())})
		}
		name, after, _ := strings.Cut(rest, ">")
		words, limit := vocabulary[name], slotLimits[name]
		if words == nil && limit == 0 {
			pending.WriteByte('<')
			text = rest
			continue
		}
		t = append(t, part{literal: literal(pending.String()), words: words, limit: limit})
		pending.Reset()
		text = after
	}
}

// escape returns s as the inside of a JSON string.
func escape(s string) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string into memory: cannot fail
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(buf.String()), `"`), `"`)
}

// fill appends the template with its slots filled.
func (t template) fill(dst []byte, r *random) []byte {
	for i := range t {
		dst = t[i].appendSlot(append(dst, t[i].literal...), r)
	}
	return dst
}

// appendSlot appends what fills the slot of p, which may be nothing.
func (p *part) appendSlot(dst []byte, r *random) []byte {
	switch {
	case p.words != nil:
		return append(dst, p.words[r.below(len(p.words))]...)
	case p.limit > 0:
		return strconv.AppendInt(dst, int64(1+r.below(p.limit-1)), 10)
	}
	return dst
}

// appendOther appends what could fill the slot of p but is not old.
func (p *part) appendOther(dst, old []byte, r *random) []byte {
	start := len(dst)
	for {
		dst = p.appendSlot(dst[:start], r)
		if !bytes.Equal(dst[start:], old) {
			return dst
		}
	}
}

// appendOne appends one of the templates.
func appendOne(dst []byte, r *random, templates []template) []byte {
	return templates[r.below(len(templates))].fill(dst, r)
}
