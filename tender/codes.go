package tender

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	cpvForm  = regexp.MustCompile(`^[0-9]{8}(-[0-9])?$`)
	nutsForm = regexp.MustCompile(`^IT[A-Z0-9]{0,3}$`)
	cigForm  = regexp.MustCompile(`^[0-9A-U][0-9A-F]{6}[0-9A-F]{3}$`)
)

// ValidCIG checks the form and the check digits of a codice identificativo
// gara issued by SIMOG or PCP (ANAC, "Algoritmo di validazione CIG").
func ValidCIG(cig string) bool {
	if !cigForm.MatchString(cig) {
		return false
	}
	head, check := cig[:7], cig[7:]
	var n int64
	var err error
	if cig[0] >= 'A' {
		if n, err = strconv.ParseInt(head[1:], 16, 64); err == nil {
			n += int64(cig[0]-'A') + 1
		}
	} else {
		n, err = strconv.ParseInt(head, 10, 64)
		if head[1:] == "000000" {
			return false
		}
	}
	if err != nil {
		return false
	}
	want := strings.ToUpper(strconv.FormatInt(n*211%4091, 16))
	return strings.TrimLeft(check, "0") == strings.TrimLeft(want, "0")
}
