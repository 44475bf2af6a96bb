# Flattened network_data.json → shell lines. Fixed addresses are set at once; those of a DHCP network only if DHCP stays silent (later.sh).
{
  at = index($0, "="); split(substr($0, 1, at - 1), p, "."); v = substr($0, at + 1)
  if (v !~ /^[0-9A-Za-z:.\/_-]*$/) next
  if (p[1] == "links") link[p[2], p[3]] = v
  else if (p[1] == "networks" && p[3] == "routes") { route[p[2], p[4], p[5]] = v; if (p[4] + 1 > routes[p[2]]) routes[p[2]] = p[4] + 1 }
  else if (p[1] == "networks") { net[p[2], p[3]] = v; if (p[2] + 1 > nets) nets = p[2] + 1 }
  else if (p[1] == "services" && p[3] == "address") dns = dns "static_dns " v "\n"
  if (p[1] == "links" && p[3] == "id") number[v] = p[2]
}
END {
  print ": >later.sh"
  for (n = 0; n < nets; n++) {
    if (net[n, "ip_address"] == "" || net[n, "type"] ~ /6/) continue
    l = number[net[n, "link"]]; mac = tolower(link[l, "ethernet_mac_address"])
    if (mac == "") continue
    address = net[n, "ip_address"]
    if (index(address, "/") == 0) address = address "/" bits(net[n, "netmask"])
    out = "static " mac " '" link[l, "mtu"] "' " address "\n"
    for (r = 0; r < routes[n]; r++) {
      to = route[n, r, "network"] "/" bits(route[n, r, "netmask"])
      if (to == "0.0.0.0/0") to = "default"
      out = out "static_route " mac " " to " " route[n, r, "gateway"] "\n"
    }
    if (net[n, "gateway"] != "") out = out "static_route " mac " default " net[n, "gateway"] "\n"
    if (net[n, "type"] ~ /dhcp/) later = later out; else printf "%s", out
    if (net[n, "type"] !~ /dhcp/) fixed = 1
  }
  if (fixed) printf "%s", dns
  if (later != "") printf "cat >later.sh <<'END'\n%s%sEND\n", later, dns
}
function bits(mask,   octet, i, n, b) {
  if (mask == "") return 24
  if (mask ~ /^[0-9]+$/) return mask
  split(mask, octet, "."); n = 0
  for (i = 1; i <= 4; i++) for (b = octet[i] + 0; b > 0; b = (b * 2) % 256) n++
  return n
}
