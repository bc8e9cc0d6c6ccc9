package sample

// Languages that users of the sample write in.
const (
	english = iota
	german
	spanish
	japanese
	hindi
	languages
)

var (
	languageCodes  = [languages]string{"en", "de", "es", "ja", "hi"}
	languagePicker = newPicker(820, 70, 60, 35, 15)
)

// smileys are the same character as UTF-8 and as the escaped pair of surrogates that some encoders write.
var smileys = [2]string{" 😀", ` \ud83d\ude00`}

// appendQuestion appends the text of a user of about size bytes, ready to stand in a JSON string.
func appendQuestion(dst []byte, r *random, language, size int) []byte {
	end := len(dst) + size
	dst = appendOne(dst, r, userTexts[language])
	for len(dst) < end {
		dst = append(dst, ' ')
		dst = appendOne(dst, r, userTexts[language])
	}
	if r.chance(15) {
		dst = append(dst, smileys[r.below(len(smileys))]...)
	}
	return dst
}

// appendAnswer appends the text of an assistant of about size bytes, ready to stand in a JSON string.
func appendAnswer(dst []byte, r *random, language, size int) []byte {
	start := len(dst)
	end := start + size
	if language == english && r.chance(400) {
		dst = appendOne(dst, r, openings)
		dst = append(dst, ' ')
	}
	dst = appendOne(dst, r, answerTexts[language])
	for sentences := 1; len(dst) < end; sentences++ {
		switch {
		case sentences%4 != 0:
			dst = append(dst, ' ')
		case r.chance(300):
			dst = append(dst, `\n\n`...)
			dst = appendOne(dst, r, blocks)
			dst = append(dst, `\n\n`...)
		default:
			dst = append(dst, `\n\n`...)
		}
		dst = appendOne(dst, r, answerTexts[language])
	}
	return dst
}
