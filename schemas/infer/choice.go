package infer

import (
	"regexp"
	"slices"
	"strings"

	"github.com/factload/factload/fact"
)

// A choice is what a field becomes, with what is to be said about it.
type choice struct {
	field    fact.Field
	path     fact.Path
	notes    []string
	everyRow bool // every row has a value that is not null
	varied   bool // not all values are the same
	distinct int  // of a low-cardinality field: how many values
}

// choose decides on the type of a field that was seen in some of the rows. cells says that all values were texts of
// cells, so that text holds each of them.
func (f *inferredField) choose(rows int64, cells bool) choice {
	v := &f.values
	c := choice{path: f.path, everyRow: f.rows == rows && v.nulls+v.nans == 0, varied: v.varied, distinct: len(v.text.distinct)}
	switch {
	case v.nulls == f.rows:
		c.field.Type = fact.String
		c.note("null in every row so far: the type is a guess")
	case v.lists > 0 && v.lists+v.nulls == f.rows:
		c.list(f)
	default:
		var why string
		if c.field.Type, why = v.scalar(); why != "" {
			c.note("holds " + why)
		}
		if cells && c.field.Type == fact.JSON {
			c.field.Type = fact.String
		}
		c.refine(f)
	}
	c.words(f)
	c.nullable(f, rows)
	if t := c.field.Type; f.key == idName && len(f.path) == 1 && c.everyRow && v.texts == rows && rows > 1 && !f.ids.failed && !c.field.Array && (t == fact.String || t == fact.UUID) {
		c.note("different in every row so far: as the ID of facts, fact_id: true. Rows that come again are two rows all the same; replace_by merges them")
	}
	return c
}

// nullable says what becomes of rows without a value.
func (c *choice) nullable(f *inferredField, rows int64) {
	v := &f.values
	missing := f.rows < rows
	switch {
	case c.field.Array:
	case c.field.Type == fact.JSON:
		// Where it is missing, it is {}, which JSON functions take for nothing.
		c.field.Nullable = v.nulls+v.nans > 0
	default:
		c.field.Nullable = v.nulls+v.nans > 0 || c.field.NaNIsNull || missing
	}
	if missing {
		c.note("in " + count(f.rows) + " of " + count(rows) + " rows")
	}
}

// list decides on the type of a field whose values are lists, or null.
func (c *choice) list(f *inferredField) {
	e := &f.elements
	t, why := e.scalar()
	c.field.Type = fact.JSON
	switch {
	case e.nulls > 0:
		c.note("lists with null, which arrays cannot hold")
	case e.nans > 0:
		c.note("lists with NaN, which arrays cannot hold")
	case len(e.kinds()) == 0:
		c.note("an empty list in every row so far; json takes any value")
	case t == fact.JSON && why != "":
		c.note("lists of " + why)
	case t == fact.JSON:
		c.note("lists of " + e.kinds()[0])
	default:
		c.field.Type, c.field.Array = t, true
		c.timePrecision(&e.text)
		if f.values.nulls > 0 {
			c.field.NullIsDefault = true
			c.note("null in " + count(f.values.nulls) + " " + plural(f.values.nulls, "row") + ", which is stored as an empty array; json would keep the difference")
		}
	}
}

// refine looks at what a scalar field is called and how its values are written.
func (c *choice) refine(f *inferredField) {
	v := &f.values
	switch c.field.Type {
	case fact.Int64, fact.UInt64, fact.Float64:
		if c.epoch(f, &v.number) {
			return
		}
		switch {
		case c.field.Type == fact.Float64 || v.number.inexact:
		case v.nans > 0:
			c.field.Type = fact.Float64
		case isScore(f.key):
			c.field.Type = fact.Float64
			c.note("whole numbers so far; a score may have fractions")
		}
	case fact.String, fact.LowCardinalityString:
		switch {
		case v.text.notNumber || v.nanText == v.texts:
		case c.epoch(f, &v.text.number):
			return
		case isID(f.key):
		default:
			if t, why := v.text.number.choose(); why == "" && !v.text.number.inexact {
				c.field.Type, c.field.Quoted = t, true
				c.note("numbers in quotes; string keeps them as text")
			}
		}
		if c.field.Type == fact.LowCardinalityString && isID(f.key) {
			c.field.Type = fact.String
		}
	case fact.DateTime64:
		c.timePrecision(&v.text)
	default:
	}
}

// epoch makes the field a time if it is called one and its numbers are times in one unit.
func (c *choice) epoch(f *inferredField, n *numbers) bool {
	unit, precision, ok := n.times.unit()
	if !ok || !timeName.MatchString(f.key) {
		return false
	}
	c.field.Type, c.field.Unit = fact.DateTime64, unit
	if precision > 3 {
		c.field.Precision = precision
	}
	c.note("its name and size say that it is a time; int64 keeps the number")
	return true
}

// timePrecision keeps all digits of times.
func (c *choice) timePrecision(t *texts) {
	if c.field.Type != fact.DateTime64 || t.precision <= 3 {
		return
	}
	c.field.Precision = t.precision
	if t.late && t.precision == 9 {
		c.field.Type, c.field.Precision = fact.String, 0
		c.note("times with nanoseconds, of which some are after 2262")
	}
}

// words lets the field take values that are not JSON by the book.
func (c *choice) words(f *inferredField) {
	v := &f.values
	quotedNaN := c.field.Quoted && v.nanText > 0
	if v.nans > 0 || v.deepNaN || quotedNaN {
		c.field.NaNIsNull = true
		c.note("NaN or infinity, which become null")
	}
	if v.halves > 0 || f.elements.halves > 0 {
		c.field.ReplaceSurrogates = true
		c.note("half of a surrogate pair, as in text that was cut, which becomes U+FFFD")
	}
	if quotedNaN {
		c.everyRow = false
	}
}

// note adds a comment.
func (c *choice) note(text string) { c.notes = append(c.notes, text) }

// timeName is how fields with times are called.
var timeName = regexp.MustCompile(`(?i)(time|date|created|updated|modified|started|finished|ended|expires|epoch|nano$|^ts$|_ts$|^t$|_at$|_at_(s|ms|us|ns)$)|[a-z]At(Ms|Ns)?$`)

// scoreWords are parts of names of numbers that may have fractions though those so far have none.
var scoreWords = []string{
	"score", "reward", "rating", "acc", "accuracy", "precision", "recall", "f1", "bleu", "rouge", "mae", "mse", "loss", "prob", "probability",
	"ratio", "rate", "percent", "pct", "similarity", "confidence", "weight", "cost", "price", "temperature", "p", "mean", "avg", "average", "seconds",
}

// isScore reports whether a part of the name is one of the scoreWords.
func isScore(name string) bool {
	return slices.ContainsFunc(words(name), func(w string) bool { return slices.Contains(scoreWords, w) })
}

// isID reports whether a field is named as IDs are: id, question_id, userId, run-ID.
func isID(name string) bool {
	all := words(name)
	if len(all) == 0 {
		return false
	}
	last := all[len(all)-1]
	return last == idName || last == "uuid" || last == "guid" || last == "hash"
}

var wordStart = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])`)

// words takes a name apart: finalScore, final_score and final-score have the same two.
func words(name string) []string {
	name = wordStart.ReplaceAllString(name, "${1}${3} ${2}${4}")
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !('a' <= r && r <= 'z' || '0' <= r && r <= '9') })
}
