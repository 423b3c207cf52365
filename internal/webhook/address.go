package webhook

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"syscall"

	"sigillo/internal/fault"
)

// maxAddress bounds an address, in bytes.
const maxAddress = 500

// Check refuses an address to which nothing would be sent: bad-address. What a
// name leads to is only known, and checked, when it is used.
func (c *Client) Check(address string) error {
	bad := fault.New(fault.Invalid, "bad-address", "Indichi un indirizzo https pubblico, senza credenziali né frammento, al massimo %d caratteri.",
		"Give a public https address, without credentials or fragment, of at most %d characters.", maxAddress).
		At("/address", "bad-address", fault.T("indirizzo non valido", "invalid address"))
	u, err := url.Parse(address)
	if err != nil {
		return bad.Because(err)
	}
	if len(address) > maxAddress || u.Hostname() == "" || u.User != nil || strings.Contains(address, "#") || u.Opaque != "" ||
		u.Scheme != "https" && !(c.inside && u.Scheme == "http") {
		return bad
	}
	if c.inside {
		return nil
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && public(ip) || err != nil && named(u.Hostname()) {
		return nil
	}
	return bad
}

// named tells whether a host may be a name on the public network: not one of
// this machine or of a house, and not a number in disguise.
func named(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	last := host[strings.LastIndex(host, ".")+1:]
	inside := last == "localhost" || last == "local" || last == "internal" || strings.HasSuffix(host, ".home.arpa")
	return strings.Contains(host, ".") && !inside && strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}

var errNotPublic = errors.New("not a public address")

// onlyPublic stops a connection before it is made. It sees the address itself:
// a name that leads elsewhere than it did a moment ago gains nothing.
func onlyPublic(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !public(at.Addr()) {
		return errNotPublic
	}
	return nil
}

// reserved are the networks of which the registries of special-purpose addresses
// (RFC 6890 and its successors) say that they are not global, or through which
// such an address can be reached.
var reserved = networks("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")

// global is where all public addresses of IPv6 are.
var global = netip.MustParsePrefix("2000::/3")

func networks(all ...string) []netip.Prefix {
	var parsed []netip.Prefix
	for _, n := range all {
		parsed = append(parsed, netip.MustParsePrefix(n))
	}
	return parsed
}

func public(ip netip.Addr) bool {
	if ip.Zone() != "" {
		return false
	}
	ip = ip.Unmap()
	if ip.Is6() && !global.Contains(ip) {
		return false
	}
	for _, n := range reserved {
		if n.Contains(ip) {
			return false
		}
	}
	return true
}
