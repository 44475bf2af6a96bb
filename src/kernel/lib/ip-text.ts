// One spelling for an IPv6 address, however it was written.
import ipaddr from 'ipaddr.js'

/** `0:0:0:0:0:babe:220.12.22.2` → `::babe:dc0c:1602`, as Python's netaddr writes it. Takes a valid address. */
export const ipv6Text = (address: string): string => ipaddr.IPv6.parse(address).toString()
