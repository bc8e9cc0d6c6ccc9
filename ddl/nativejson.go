package ddl

// NativeJSONSettings returns the settings of statements in which the server makes
// its JSON type from text. Without them it takes text that looks like a date or a
// number for one, and booleans for numbers or text, depending on what else is in
// the statement. The map is the caller's.
func NativeJSONSettings() map[string]string {
	return map[string]string{
		"input_format_json_read_bools_as_numbers":          "0",
		"input_format_json_read_bools_as_strings":          "0",
		"input_format_json_try_infer_numbers_from_strings": "0",
		"input_format_try_infer_dates":                     "0",
		"input_format_try_infer_datetimes":                 "0",
	}
}
