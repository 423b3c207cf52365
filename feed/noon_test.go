package feed

import "time"

var noon = time.Date(2027, 1, 15, 11, 0, 0, 0, time.UTC)
