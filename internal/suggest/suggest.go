// Package suggest guesses which name was meant by one that is not known.
package suggest

// Name returns the candidate that name was probably meant to be, or "" when none is close to it.
//
// Close means that at most a third of the letters, but at least one of them and at most three, have to be changed,
// added, removed or swapped with their neighbour.
func Name(name string, candidates []string) string {
	const longest = 100 // nobody mistypes a name of this length, and the cost grows with its square
	if name == "" || len(name) > longest {
		return ""
	}
	best, least := "", min(3, max(1, len(name)/3))+1
	for _, c := range candidates {
		if c == name || len(c) > longest {
			continue
		}
		if d := distance(name, c); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts the edits of one letter, swaps of neighbours included, that turn a into b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, above, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			change := above[j-1]
			if x[i-1] != y[j-1] {
				change++
			}
			row[j] = min(change, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(y)]
}

// DidYouMean returns `, did you mean "x"?` for the nearest candidate, or "".
func DidYouMean(name string, candidates []string) string {
	if meant := Name(name, candidates); meant != "" {
		return `, did you mean "` + meant + `"?`
	}
	return ""
}
