# A MIME multipart text → files part-001, part-002 …; .b64 where a part is base64.
{ sub(/\r$/, "") }
boundary == "" {
  if (match($0, /boundary=/)) {
    boundary = substr($0, RSTART + 9)
    if (substr(boundary, 1, 1) == "\"") { boundary = substr(boundary, 2); sub(/".*/, "", boundary) } else sub(/[; \t].*/, "", boundary)
    boundary = "--" boundary
  }
  next
}
$0 == boundary || $0 == boundary "--" { if (file != "") close(file); file = ""; header = ($0 == boundary); encoded = 0; next }
header && $0 == "" { header = 0; file = sprintf("part-%03d%s", ++number, encoded ? ".b64" : ""); printf "" >file; next }
header { if (tolower($0) ~ /^content-transfer-encoding: *base64/) encoded = 1; next }
file != "" { print >file }
