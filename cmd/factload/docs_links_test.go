package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading   = regexp.MustCompile(`(?m)^#+ (.+)$`)
	unslugged = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	codeBlock = regexp.MustCompile("(?ms)^```.*?^```") //nolint:gocritic // (?m): a line begins there
	inCode    = regexp.MustCompile("`[^`\n]*`")
)

// Links between the documents lead to files and headings that there are.
func TestDocumentedLinks(t *testing.T) {
	t.Parallel()
	all := pages(t)
	anchors := func(page string) map[string]bool {
		out := map[string]bool{"": true}
		for _, h := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(all[page], ""), -1) {
			out[strings.ReplaceAll(unslugged.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")] = true
		}
		return out
	}
	checked := 0
	for name, page := range all {
		page = inCode.ReplaceAllString(codeBlock.ReplaceAllString(page, ""), "")
		for _, found := range link.FindAllStringSubmatch(page, -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := name
			if target != "" {
				file = filepath.Join(filepath.Dir(name), target)
			}
			_, err := os.Stat(filepath.Join("../..", file))
			require.NoError(t, err, "%s: %s", name, found[1])
			if strings.HasSuffix(file, ".md") && anchor != "" {
				require.Contains(t, anchors(file), anchor, "%s: %s", name, found[1])
			}
			checked++
		}
	}
	require.Greater(t, checked, 50)
}

// The tests that prove the guarantees of the README are ones that there are.
func TestDocumentedProofs(t *testing.T) {
	t.Parallel()
	proofs := regexp.MustCompile("make (?:soak SOAKRUN|test PKG)=(\\S+) (?:SOAKPKG|RUN)=([^\\s`]+)").FindAllStringSubmatch(pages(t)["README.md"], -1)
	require.Len(t, proofs, 5)
	for _, proof := range proofs {
		name, dir := proof[1], proof[2]
		if strings.HasPrefix(name, "./") {
			name, dir = dir, name
		}
		files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
		require.NoError(t, err)
		found := false
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			found = found || regexp.MustCompile(`(?m)^func Test\w*`+strings.TrimPrefix(name, "Test")).Match(text)
		}
		require.True(t, found, "%s has no test %s", dir, name)
	}
}
