package diff

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/factload/factload/ddl/internal/sqltext"
)

// ttlRule is one rule of a TTL taken apart: when, and what then. Rules whose
// action is empty delete.
type ttlRule struct{ when, action []sqltext.Token }

// ttlRules takes apart the TTL of a table or a column.
func ttlRules(s string) ([]ttlRule, bool) {
	tokens, err := sqltext.Tokenize(sqltext.CanonicalTTL(s))
	if err != nil {
		return nil, false
	}
	var out []ttlRule
	for _, part := range sqltext.SplitTop(tokens) {
		rule := ttlRule{when: part}
		depth := 0
		for i, t := range part {
			depth += sqltext.Nesting(t)
			if depth == 0 && i > 0 && slices.ContainsFunc(ttlActions, t.IsKeyword) {
				rule = ttlRule{when: part[:i], action: part[i:]}
				break
			}
		}
		out = append(out, rule)
	}
	return out, true
}

// ttlActions are the words that end the expression of a rule.
var ttlActions = []string{"WHERE", "GROUP", "RECOMPRESS", "TO"}

// keeps reports whether the rule moves or recompresses rows and deletes none.
func (r ttlRule) keeps() bool {
	return len(r.action) > 0 && (r.action[0].IsKeyword("RECOMPRESS") || r.action[0].IsKeyword("TO"))
}

// deletesMore reports whether rows or values may expire by want that do not
// expire by have, or do so later.
func deletesMore(have, want string) bool {
	old, okOld := ttlRules(have)
	rules, ok := ttlRules(want)
	if !ok || !okOld {
		return true
	}
	for _, r := range rules {
		if !r.keeps() && !slices.ContainsFunc(old, r.notSooner) {
			return true
		}
	}
	return false
}

// notSooner reports whether r is the rule o, perhaps with a longer time to wait.
func (r ttlRule) notSooner(o ttlRule) bool {
	if sqltext.JoinTokens(r.action) != sqltext.JoinTokens(o.action) || len(r.when) != len(o.when) {
		return false
	}
	for i, t := range r.when {
		if t.Is("-") {
			return sqltext.JoinTokens(r.when) == sqltext.JoinTokens(o.when)
		}
		if t.String() == o.when[i].String() {
			continue
		}
		if !addedInterval(r.when, i) || !addedInterval(o.when, i) || !longer(r.when[i-2].Text, t.Text, o.when[i].Text) {
			return false
		}
	}
	return true
}

var wholeNumber = regexp.MustCompile(`^(0|[1-9][0-9]{0,18})$`)

// addedInterval reports whether the token is n in "+ toIntervalDay(n)".
func addedInterval(tokens []sqltext.Token, i int) bool {
	return i >= 3 && i+1 < len(tokens) && wholeNumber.MatchString(tokens[i].Text) &&
		tokens[i-1].Is("(") && tokens[i+1].Is(")") && strings.HasPrefix(tokens[i-2].Text, "toInterval") && tokens[i-3].Is("+")
}

// mostIntervals are some 50 years in each unit. A longer time may take a
// DateTime beyond its last year, 2106, and back to the first, where all rows
// have expired.
var mostIntervals = map[string]uint64{
	"toIntervalSecond": 50 * 365 * 86400, "toIntervalMinute": 50 * 365 * 1440, "toIntervalHour": 50 * 365 * 24, "toIntervalDay": 50 * 365,
	"toIntervalWeek": 50 * 52, "toIntervalMonth": 50 * 12, "toIntervalQuarter": 50 * 4, "toIntervalYear": 50,
}

// longer reports whether one number of intervals is safely more than another.
func longer(unit, want, have string) bool {
	w, errW := strconv.ParseUint(want, 10, 64)
	h, errH := strconv.ParseUint(have, 10, 64)
	return errW == nil && errH == nil && w > h && w <= mostIntervals[unit]
}
