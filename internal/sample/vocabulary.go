package sample

// vocabulary holds the words for each slot of a template. They need no escaping in JSON, not even twice.
var vocabulary = map[string][]string{
	"thing": {
		"invoice", "subscription", "order", "refund", "shipment", "account", "report", "dashboard", "export", "webhook",
		"access token", "mailing list", "contract", "price list", "warehouse", "release", "test suite", "data model",
		"search index", "knowledge base", "calendar", "payment method", "team workspace", "delivery address", "backup",
	},
	"tech": {
		"Go", "Python", "TypeScript", "ClickHouse", "PostgreSQL", "Kubernetes", "Terraform", "Redis", "Kafka", "React",
		"GraphQL", "gRPC", "OAuth", "Docker", "Grafana", "SQLite", "Rust", "OpenTelemetry", "Parquet", "NATS",
	},
	"do": {
		"change", "cancel", "export", "share", "restore", "migrate", "rename", "archive", "duplicate", "merge", "delete",
		"schedule", "compare", "test", "speed up", "secure", "monitor", "document", "automate", "undo",
	},
	"quality": {
		"simple", "reliable", "fast", "cheap", "safe", "readable", "complete", "consistent", "portable", "quiet", "small",
	},
	"problem": {
		"it times out", "it shows an empty page", "the numbers do not add up", "I get a permission error",
		"nothing happens", "it is very slow", "the last rows are missing", "it asks me to log in again",
		"the totals are off by one", "the file is refused", "the dates are a day early", "it worked yesterday",
	},
	"when": {
		"this morning", "since the update", "on Monday", "every evening", "at the end of the month", "during the import",
		"after the migration", "in the last release", "when two people edit", "only on mobile", "behind our proxy",
	},
	"place": {
		"Berlin", "Lisbon", "Toronto", "Nairobi", "Osaka", "São Paulo", "Zürich", "Kraków", "Reykjavík", "Austin", "Pune",
		"Malmö", "Bogotá", "Hanoi", "Dublin", "Montréal",
	},
	"name": {
		"Amara", "Björn", "Chloé", "Dmitri", "Elif", "Farid", "Grace", "Hiro", "Inés", "Jonas", "Kavya", "Łukasz", "Mei",
		"Noah", "Oluwaseun", "Priya", "Quentin", "Rosa", "Søren", "Tomás",
	},
	"word": {
		"alpha", "harbor", "meadow", "copper", "lantern", "river", "saffron", "granite", "willow", "ember", "summit",
		"orchid", "falcon", "cobalt", "maple", "comet",
	},
	"emoji": {"🙂", "👍", "🎉", "🙏", "🚀", "🤔", "✅", "👩‍💻"},
}

// userTexts are what users say, by language.
var userTexts = [languages][]template{
	english: textTemplates(
		"How do I <do> my <thing>?",
		"I want to <do> the <thing> from <place>, but <problem>.",
		"What is the difference between <tech> and <tech>?",
		"Can you <do> the <thing> for me?",
		"We use <tech> with <tech> and <problem> <when>.",
		"Please explain \"<thing>\" to me as if I had never used <tech>.",
		"Why does my <thing> cost $<count>.<digit>0?",
		"Is there a <quality> way to <do> a <thing> in <tech>?",
		"<problem>, <when>. Order number A-<number>.",
		"Write a short mail to <name> about the <thing>.",
		"Here is what I see:\n\terror <count>: cannot <do> <thing>\nWhat now?",
		"My colleague <name> says that <tech> is more <quality>. Is that so?",
		"Thanks! <emoji>", "Yes, please.", "And in <tech>?", "That did not help, <problem>.", "ok", "Can you make it shorter?",
		"I tried it <when> and <problem>.", "Summarize the last <digit> points.",
		"Please look at C:\\Users\\<name>\\<word>.csv, row <count>.",
		"Give me <digit> examples with <tech>.",
	),
	german: textTemplates(
		"Wie kann ich meine Rechnung ändern?", "Das hat leider nicht geklappt.", "Können Sie mir das genauer erklären?",
		"Ich möchte aus <place> bestellen, aber die Größe fehlt.", "Vielen Dank! <emoji>", "Geht das auch mit <tech>?",
	),
	spanish: textTemplates(
		"¿Cómo puedo cambiar mi suscripción?", "No funciona desde ayer por la mañana.", "¿Y con <tech>?", "¡Gracias! <emoji>",
		"Mi pedido A-<number> todavía no llegó a <place>.", "Explícamelo otra vez, por favor.",
	),
	japanese: textTemplates(
		"請求書を変更する方法を教えてください。", "まだ動きません。", "ありがとうございます。<emoji>", "<tech>でもできますか？",
		"<place>への配送はいつになりますか？", "もう少し短くしてください。",
	),
	hindi: textTemplates(
		"मैं अपना ऑर्डर A-<number> कैसे रद्द करूँ?", "यह अभी भी काम नहीं कर रहा है।", "धन्यवाद <emoji>", "क्या यह <tech> में भी हो सकता है?",
	),
}

// openings begin an answer in English.
var openings = textTemplates(
	"Sure.", "Good question.", "Yes, you can.", "Let me look at that.", "Thanks for the details, <name>.",
	"I'm sorry that <problem>.", "Here is a <quality> way to <do> it.", "Short answer: no.", "That depends on your <thing>.",
)

// answerTexts are the sentences of answers, by language.
var answerTexts = [languages][]template{
	english: textTemplates(
		"Open the <thing> and choose \"<do>\" in the menu.",
		"With <tech> this takes about <percent> seconds.",
		"If <problem>, check that the <thing> belongs to your team.",
		"The <thing> that you mean was changed <when>.",
		"<tech> keeps a copy for <percent> days, so you can <do> it later.",
		"A <quality> setup with <tech> needs no extra <thing>.",
		"Note that the limit is <count> requests a minute.",
		"You can also <do> it from the command line.",
		"<name> from our team in <place> wrote a guide on it.",
		"Most people <do> the <thing> first and the <thing> afterwards.",
		"In short: keep it <quality>, and <do> only what you need.",
		"It is documented under https://docs.example.com/<word>/<word>.",
		"The cause is usually <tech>: it holds the <thing> open until the call returns.",
		"That is about <percent>% cheaper than before.",
		"Without it, the <thing> stays as it is — nothing is lost.",
	),
	german: textTemplates(
		"Öffnen Sie die Übersicht und wählen Sie „Ändern“.", "Das dauert in der Regel <digit> Minuten.",
		"Falls es danach noch hakt, prüfen Sie bitte die Einstellungen für <tech>.", "Die Gebühr beträgt <percent>,50 €.",
	),
	spanish: textTemplates(
		"Abra el menú y elija «Cambiar».", "Normalmente tarda unos <percent> segundos.",
		"Si el problema continúa, compruebe la configuración de <tech>.", "El año pasado añadimos esta opción en <place>.",
	),
	japanese: textTemplates(
		"設定画面を開いて「変更」を選んでください。", "通常は<percent>秒ほどかかります。", "<tech>の設定も確認してください。",
		"詳しくはヘルプページをご覧ください。",
	),
	hindi: textTemplates(
		"मेनू खोलें और \"बदलें\" चुनें।", "इसमें लगभग <percent> सेकंड लगते हैं।", "कृपया <tech> की सेटिंग भी जाँच लें।",
	),
}

// blocks are what answers have between their paragraphs now and then.
var blocks = textTemplates(
	"```go\nif err := <word>.Run(ctx); err != nil {\n\treturn fmt.Errorf(\"<word>: %w\", err)\n}\n```",
	"```python\nwith open(\"<word>.json\") as f:\n    rows = [json.loads(line) for line in f]\nprint(len(rows), 'rows')\n```",
	"```sql\nSELECT <word>, count() FROM <word>\nWHERE <word> = '<word>' AND created_at > now() - INTERVAL <digit> DAY\nGROUP BY <word>\n```",
	"```json\n{\"name\": \"<word>\", \"path\": \"C:\\\\<word>\", \"limit\": <count>}\n```",
	"1. Stop the <thing>.\n2. <do> it.\n3. Start it again.",
	"- <tech>: <percent>%\n- <tech>: <percent>%\n- others: <digit>%",
	"| step | time |\n|---|---|\n| <do> | <count> ms |\n| <do> | <count> ms |",
)

// titles say what a conversation is about.
var titles = textTemplates(
	"How to <do> the <thing>", "<tech> or <tech>", "<thing>: <problem>", "Question about the <thing>", "<tech> with <tech>",
	"Mail to <name>", "<do> <thing> in <place>", "\"<thing>\" explained",
)

// systemTexts are the first messages of conversations that have a system prompt.
var systemTexts = textTemplates(
	"You are a helpful assistant of the <word> team. Answer in the language of the user. Be <quality>.",
	"You help developers with <tech>. Keep answers short and show code.\nNever invent an option.",
	"Answer questions about orders and invoices. If you are not sure, hand over to a person.",
)
