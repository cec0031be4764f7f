"""Every word of the page that is not an answer: another language is another file like this."""

from __future__ import annotations

TITLE = "Diamond assistant"
ABOUT = (
    "{documents:,} documents on Japan’s $550-billion US investment package and synthetic "
    "diamond, the newest of {newest}."
)
PLACEHOLDER = (
    "<b>What would you like to know?</b><br>Every sentence of an answer is quoted from a document."
)
EXAMPLES = (
    "How will profits from the $550 billion be split between Japan and the United States?",
    "How much will JBIC lend to the first three projects?",
    "What did the US Supreme Court decide about IEEPA tariffs?",
    "What will the synthetic diamond plant in Georgia make?",
    "Why are synthetic diamonds needed for making semiconductors?",
)

# Views
ASK_VIEW, DOCUMENTS_VIEW, EVALUATION_VIEW = "Ask", "Documents", "Evaluation"

# Asking
QUESTION = "Question"
ASK_PLACEHOLDER = "Ask a question"
ASK, STOP, RETRY, EDIT = "Ask", "Stop", "Retry", "Edit question"
COPY, COPIED = "Copy with sources", "Copied"
EXPORT_MARKDOWN, EXPORT_JSON = "Export as Markdown", "Export as JSON"
NEXT, FIRST = "You could ask next", "For example"
WIDEN = "Ask without filters"
COMPLETE = "The answer is complete."

# Filters
FILTERS = "Filters"
TOPIC, KIND = "Topic", "Kind of source"
SINCE, UNTIL, AS_OF = "Published from", "Published until", "As of"
DATE_HINT = "YYYY-MM-DD"
NO_DAY = "“{text}” is no day: write it as 2026-01-31."

# Answers
CONFIDENCE = "Confidence: {words}"
SPEAKS_AS_OF = "The documents reach to {newest}"
GENERATION = "Index {generation}"
TOOK = "{seconds:.1f} s"
NEAREST = "The nearest that they say:"

# Answers of a language model
STAGES = {
    "search": "Searching …",
    "ask": "Sources found; the language model is asked …",
    "write": "Writing; each sentence appears once it is checked …",
    "done": "",
}
NOT_FOUND = "not found in the sources"
COMPUTED = "computed from the sources: {figures}"
FALLBACK = "The language model’s answer is not shown: {reason}. This is quoted from the documents."
WRITTEN = "Written by {model}"
CHECKED = {
    "supported": "{count} sentences checked",
    "repaired": "{count} given other sources",
    "unsupported": "{count} not found in the sources",
}
TOKENS = "{count:,} tokens"
COST = "${dollars:.4f}"

# Sources
NO_SOURCES = "The sources of an answer appear here."
HEADINGS = {
    "answered": "Sources",
    "not_stated": "Not stated; this comes nearest",
    "nothing": "Nearest passages",
}
SHOW_SOURCES = "Sources"
CLOSE = "Close"
BACK_TO_MARKER = "Back to marker {marker}"
MARKER = "Source {marker}: {source}"
READ = "Read the document"
PAGES = "p. {pages}"
DIFFERS = "Source {marker} ({source}) gives other figures"
NEWER = "newer than this one"
OLDER = "older than this one"

# The reader
READER = "Document"
OPEN_ORIGINAL = "Open the original"
INSTRUCTIONS = (
    "Parts of this document speak to a language model. They are not followed, and no written "
    "answer cites them:"
)
NOT_IN_INDEX = "This document is not in the index."

# Conversations
CONVERSATIONS = "Conversations"
NEW = "New conversation"
SEARCH = "Search conversations"
NONE_YET = "Nothing asked yet."
NONE_FOUND = "No conversation has these words."
RENAME, DELETE, SAVE, CANCEL = "Rename", "Delete", "Save", "Cancel"
NEW_NAME = "New name of the conversation"
SURE_TO_DELETE = "Delete this conversation?"
NOT_READ = "Your conversations cannot be read at the moment."

# Feedback
FEEDBACK = "What is wrong with this answer?"
REASONS = {
    "wrong": "Wrong",
    "not_in_source": "Not in the source",
    "out_of_date": "Out of date",
    "incomplete": "Incomplete",
}
COMMENT = "In your words (optional)"
EXPECTED, EXPECTED_SOURCE = "What it should say (optional)", "Where that stands (optional)"
SEND, THANKS = "Send", "Thank you: noted."
NOT_KEPT = "This answer was not kept, so nothing can be noted of it."

# Documents
DOCUMENT_COLUMNS = ("Title", "Publisher", "Date", "Kind", "Topic", "Passages", "State", "Id")
DOCUMENTS_HINT = "Click a row to read the document."
FIND_DOCUMENTS = "Find documents"

# The state of a document
INDEXED = "In the index"
CHANGED = "Changed since"
DESCRIBED = "Described anew since"
RENAMED = "Has the id {now} since"
GONE_SINCE = "Removed since"
NEW_DOCUMENT = "New, not yet indexed"
UNREADABLE = "Cannot be read: {reason}"
DUPLICATE = "Duplicate of {of}"
NOT_COMPARED = "What changed since the index was built cannot be said: {reason}"
WAITING = "Not as in the index: {count:,}. The column “State” says how."

# Adding documents
ADD_DOCUMENTS = "Add documents"
FILES = "Files"
FORMATS = (
    "PDF, DOCX, PPTX, XLSX, CSV, Markdown, text, HTML, EML or EPUB, at most {most} MiB each. "
    "A title is for one document; what you leave out is taken from the file."
)
URL = "Or a web address"
URL_HINT = "https://"
GIVEN_TITLE, GIVEN_PUBLISHER, GIVEN_DATE = (
    "Title (optional)", "Publisher (optional)", "Published (optional)",
)  # fmt: skip
ADD, UPDATE = "Add", "Bring the index up to date"
ASK_ABOUT = "Ask about what was added"
ADD_NOTHING = "Choose files, or give a web address."
TOO_MANY_FILES = "{count:,} files are more than {most:,}: add them a few at a time."
CHECKING = "Reading what you gave"
NOT_ADDED = "Not added"
IN_CORPUS = "In the corpus"
IN_INDEX = "In the index now"
NOT_BUILT = "The index was not built: {reason}"
UP_TO_DATE = "The index is up to date."
BUILT = "The index is up to date: {added:,} added, {changed:,} changed, {removed:,} removed."
STARTING = "Starting"
STAGES = {
    "read": "Reading documents",
    "chunk": "Cutting passages",
    "embed": "Embedding passages",
    "write": "Writing the index",
    "check": "Checking it",
}
RATE, LEFT = "{rate:,.0f} a second", "about {seconds:,} s left"
MAY_NOT_ADD_USER = "Documents are added by those whom the setting `curators` names."
MAY_NOT_ADD = (
    "Documents cannot be added on this page, since anybody may open it. Whoever runs the server "
    "adds them with `diamond-assistant index add`."
)

# Evaluation
NO_RUN = "No evaluation has been run yet: `diamond-assistant eval run`."
LATEST_RUN = "The latest run, {name}: {questions} questions."
FIGURES = {
    "accuracy": "Answers with every required fact",
    "doc R@5": "The right documents among the first five",
    "resolved": "Citations that resolve to the exact quote",
    "groundedness": "Statements that are quotes",
    "refused": "Unanswerable questions refused",
    "false_abstention": "Answerable questions refused",
    "words": "Words an answer (mean)",
}
WHOLE_REPORT = "The whole report"

# The server
SORRY = "Sorry"
GONE = "The server does not answer. This page will go on when it is back."
