// Package rebuildsettings has the settings that a table has only while it is rebuilt.
package rebuildsettings

// The values of the settings are such that nobody would choose them, so that they
// are told from a user's own.
var (
	// Frozen are those that keep parts as they are, and let there be many of them.
	Frozen = map[string]string{
		"max_bytes_to_merge_at_max_space_in_pool": "0",
		"parts_to_delay_insert":                   "1000003",
		"parts_to_throw_insert":                   "1000033",
	}
	// Fence is the one that refuses every insert with a code that means: try again.
	Fence = map[string]string{"max_parts_in_total": "0"}
	// Copy are those of the new table while rows are copied into it. It
	// remembers every copy, so that none is stored twice.
	Copy = map[string]string{
		"max_parts_in_total":                  "1000037",
		"non_replicated_deduplication_window": "1000039",
		"parts_to_delay_insert":               "1000003",
		"parts_to_throw_insert":               "1000033",
	}
)

// Take takes the settings of a rebuild away and reports whether there were any.
func Take(settings map[string]string) bool {
	found := false
	for name, value := range settings {
		for _, own := range []map[string]string{Frozen, Fence, Copy} {
			if own[name] == value {
				delete(settings, name)
				found = true
			}
		}
	}
	return found
}
