# Flattens a JSON text into lines "a.b.0=value". Line ends inside of strings stay written as \n.
{ text = text $0 "\n" }
END {
  depth = 0; wantKey = 0
  while (length(text) > 0) {
    if (match(text, /^[ \t\r\n,:]+/)) { eat(); continue }
    c = substr(text, 1, 1)
    if (c == "{" || c == "[") {
      depth++; kind[depth] = c; count[depth] = 0; wantKey = (c == "{"); text = substr(text, 2)
    } else if (c == "}" || c == "]") {
      depth--; text = substr(text, 2); after()
    } else if (c == "\"") {
      if (!match(text, /^"([^"\\]|\\.)*"/)) exit 1
      value = substr(text, 2, RLENGTH - 2); eat()
      if (wantKey) { name[depth] = plain(value); wantKey = 0 } else { show(plain(value)); after() }
    } else {
      if (!match(text, /^[^],} \t\r\n]+/)) exit 1
      value = substr(text, 1, RLENGTH); eat()
      show(value == "null" ? "" : value); after()
    }
  }
}
function eat() { text = substr(text, RLENGTH + 1) }
function after() { if (kind[depth] == "[") count[depth]++; else wantKey = 1 }
function show(value,   i, path) {
  path = ""
  for (i = 1; i <= depth; i++) path = path (i > 1 ? "." : "") (kind[i] == "[" ? count[i] : name[i])
  print path "=" value
}
function plain(s) {
  if (index(s, "\\") == 0) return s
  gsub(/\\u003c/, "<", s); gsub(/\\u003e/, ">", s); gsub(/\\u0026/, "\\&", s); gsub(/\\u003d/, "=", s)
  gsub(/\\"/, "\"", s); gsub(/\\\//, "/", s); gsub(/\\t/, "\t", s); gsub(/\\r/, "", s); gsub(/\\\\/, "\\", s)
  return s
}
