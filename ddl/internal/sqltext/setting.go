package sqltext

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// bareSetting matches setting values that are literals without quotes.
var bareSetting = regexp.MustCompile(`^(-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?|true|false)$`)

// SettingSQL returns a setting with its value, which is quoted unless it is a number or
// a truth value.
func SettingSQL(name, value string) string {
	if !bareSetting.MatchString(value) {
		value = QuoteString(value)
	}
	return name + " = " + value
}

// SettingsLine returns settings in the order of their names, with a space before them.
func SettingsLine(settings map[string]string) string {
	parts := make([]string, 0, len(settings))
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		parts = append(parts, SettingSQL(name, settings[name]))
	}
	return " " + strings.Join(parts, ", ")
}
