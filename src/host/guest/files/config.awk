# The useful part of #cloud-config → a shell script: hostname, password, chpasswd, ssh_authorized_keys, write_files, bootcmd, runcmd.
function quote(s) { gsub(/'/, "'\\''", s); return "'" s "'" }
function trim(s) { sub(/^[ \t]+/, "", s); sub(/[ \t]+$/, "", s); return s }
function bare(s) {
  s = trim(s)
  if (s ~ /^".*"$/) { s = substr(s, 2, length(s) - 2); gsub(/\\"/, "\"", s); gsub(/\\n/, "\n", s); gsub(/\\\\/, "\\", s); return s }
  if (s ~ /^'.*'$/) { s = substr(s, 2, length(s) - 2); gsub(/''/, "'", s); return s }
  sub(/[ \t]+#.*$/, "", s)
  return s
}
function indent(s) { match(s, /^ */); return RLENGTH }
# [a, "b c"] → quoted words
function words(s,   out, w) {
  s = trim(s); s = substr(s, 2, length(s) - 2); out = ""
  while (s != "") {
    s = trim(s)
    if (match(s, /^"([^"\\]|\\.)*"/) || match(s, /^'[^']*'/) || match(s, /^[^,]*/)) { w = substr(s, 1, RLENGTH); s = substr(s, RLENGTH + 1) }
    out = out " " quote(bare(w)); sub(/^[ \t]*,/, "", s)
  }
  return out
}
function command(s) { print (s ~ /^\[.*\]$/) ? substr(words(s), 2) : "sh -c " quote(bare(s)) }
function file() {
  if (path == "") return
  print "mkdir -p " quote(directory(path))
  if (encoding ~ /^(b64|base64)$/) { gsub(/[ \n]/, "", content); print "printf %s " quote(content) " | base64 -d " (append ? ">>" : ">") quote(path) }
  else if (encoding ~ /gz/) { gsub(/[ \n]/, "", content); print "printf %s " quote(content) " | base64 -d | gunzip " (append ? ">>" : ">") quote(path) }
  else print "printf %s " quote(content) " " (append ? ">>" : ">") quote(path)
  if (mode != "") print "chmod " quote(mode) " " quote(path)
  if (owner != "") print "chown " quote(owner) " " quote(path)
  path = content = mode = owner = encoding = ""; append = 0
}
function directory(s) { return (s ~ /.\//) ? substr(s, 1, match(s, /\/[^\/]*$/) - 1) : "/" }
function key(s) { print "for h in /root /home/koto; do mkdir -p $h/.ssh; echo " quote(s) " >>$h/.ssh/authorized_keys; chmod 700 $h/.ssh; done; chown -R koto:koto /home/koto/.ssh" }
function field(k, v) {
  if (section == "write_files") {
    if (k == "path") path = bare(v); else if (k == "permissions") mode = bare(v); else if (k == "owner") owner = bare(v)
    else if (k == "encoding") encoding = bare(v); else if (k == "append") append = (v ~ /true/); else if (k == "content") content = bare(v)
  }
}
function blockDone() {
  if (!inBlock) return
  inBlock = 0
  if (section == "write_files") content = block
  else if (section == "chpasswd") print "printf %s " quote(block) " | chpasswd"
  else if (section == "runcmd" || section == "bootcmd") print "sh -c " quote(block)
  block = ""
}
BEGIN { print "#!/bin/sh" }
{ sub(/\r$/, "") }
inBlock {
  if ($0 ~ /^[ \t]*$/) { block = block "\n"; next }
  if (indent($0) > blockIndent) { if (blockAt < 0) blockAt = indent($0); block = block substr($0, blockAt + 1) "\n"; next }
  blockDone()
}
/^[ \t]*(#.*)?$/ { next }
/^[A-Za-z_]+:/ {
  file()
  section = $0; sub(/:.*/, "", section)
  rest = trim(substr($0, length(section) + 2))
  if (section == "hostname" || (section == "fqdn" && rest != "")) { h = bare(rest); sub(/\..*/, "", h); print "hostname " quote(h) "; hostname >/etc/hostname" }
  else if (section == "password") print "echo " quote("koto:" bare(rest)) " | chpasswd"
  next
}
{
  line = $0; at = indent(line); line = trim(line)
  if (line ~ /^- / || line == "-") {
    if (section == "write_files") { if (at <= itemAt || itemAt == "") { file(); itemAt = at } }
    line = trim(substr(line, 2)); at += 2
    if (section == "ssh_authorized_keys") { key(bare(line)); next }
    if (section == "runcmd" || section == "bootcmd") {
      if (line ~ /^[|>][+-]?$/) { inBlock = 1; blockIndent = at - 2; blockAt = -1 } else command(line)
      next
    }
  }
  if (match(line, /^[A-Za-z_-]+:/)) {
    k = substr(line, 1, RLENGTH - 1); v = trim(substr(line, RLENGTH + 1))
    if (v ~ /^[|>][+-]?$/) { inBlock = 1; blockIndent = at; blockAt = -1; if (section == "write_files" && k != "content") inBlock = 0 }
    else field(k, v)
  }
}
END { blockDone(); file() }
