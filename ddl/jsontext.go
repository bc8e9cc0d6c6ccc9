package ddl

import (
	"slices"
	"strings"

	"github.com/factload/factload/ddl/internal/coltype"
)

// JSONMark begins the comment of a column whose text is JSON. The server has no type for
// such text, so the mark is what tells the column from one of any other text.
const JSONMark = "[json]"

// jsonColumnTypes are the types of columns that fields of type json have.
var jsonColumnTypes = []string{"String", "Nullable(String)", "Array(String)"}

// StoredComment returns the comment of the column as the server has it, with the mark if
// the column holds JSON.
func (c Column) StoredComment() string {
	if !c.JSON {
		return c.Comment
	}
	return strings.TrimSuffix(JSONMark+" "+c.Comment, " ")
}

// takeMark takes the mark off the comment.
func (c *Column) takeMark() {
	rest, marked := strings.CutPrefix(c.Comment, JSONMark)
	if marked && slices.Contains(jsonColumnTypes, coltype.Canonical(c.Type)) {
		c.JSON, c.Comment = true, strings.TrimPrefix(rest, " ")
	}
}
