// Package signature reads electronic signatures: who signed a file, whether the
// bytes are still those that were signed, and whether the certificate chains to
// a trust list.
//
// It promises a verdict in a few MiB of memory whatever the file's size (XML,
// which has to be held, up to 32 MiB), and never a panic whatever its bytes. It
// knows nothing of who ought to have signed.
//
// Revocation is not checked: a certificate that was revoked or suspended when
// it signed counts as no signature (CAD art. 24 c. 4-bis), and it is for whoever
// acts on the report to consult the issuer's list.
//
// Sources: RFC 5652 (CMS), RFC 5035 (signing-certificate-v2), RFC 3161 (time
// stamps), ETSI EN 319 122 (CAdES), 319 142 (PAdES), 319 132 (XAdES), 319 162
// (ASiC), TS 119 612 (trusted lists), EN 319 412 (names); CAD art. 24, DPCM
// 22-2-2013 art. 62.
package signature
