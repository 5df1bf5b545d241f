package jp2

import (
	"encoding/binary"
	"fmt"
)

// A Profile is what the header of an ICC profile says (ISO 15076-1, 7.2).
type Profile struct {
	Size    int64    // bytes, by its own account
	Version [2]uint8 // major, minor
	Class   string   // "scnr", "mntr", "prtr", "spac", ...
	Space   string   // of the data: "RGB ", "GRAY", "CMYK", "Lab ", ...
	PCS     string   // profile connection space: "XYZ " or "Lab "
}

const iccHeader = 128

// ParseProfile reads the header of an ICC profile. The error matches
// [codestream.ErrFormat]; its offset is one in the profile.
func ParseProfile(icc []byte) (Profile, error) {
	if len(icc) < iccHeader {
		return Profile{}, formatError(0, "ICC profile", "%d bytes, the header has %d",
			len(icc), iccHeader)
	}
	if string(icc[36:40]) != "acsp" {
		return Profile{}, formatError(36, "ICC profile", "no signature")
	}
	return Profile{
		Size:    int64(binary.BigEndian.Uint32(icc)),
		Version: [2]uint8{icc[8], icc[9] >> 4},
		Class:   string(icc[12:16]),
		Space:   string(icc[16:20]),
		PCS:     string(icc[20:24]),
	}, nil
}

// Channels is how many colours the profile's data have; 0 when it does not say.
func (p Profile) Channels() int {
	switch p.Space {
	case "GRAY":
		return 1
	case "XYZ ", "Lab ", "Luv ", "YCbr", "Yxy ", "RGB ", "HSV ", "HLS ", "CMY ":
		return 3
	case "CMYK":
		return 4
	}
	if n := p.Space[0]; p.Space[1:] == "CLR" {
		switch {
		case n >= '2' && n <= '9':
			return int(n - '0')
		case n >= 'A' && n <= 'F':
			return int(n-'A') + 10
		}
	}
	return 0
}

// device is the enumerated space that comes closest to the profile's: what other
// programs take its samples for when they do not use it. 0 when there is none.
func (p Profile) device() Space {
	switch p.Space {
	case "GRAY":
		return Grey
	case "RGB ":
		return SRGB
	case "CMYK":
		return CMYK
	}
	return 0
}

// soundICC returns the profile at the start of p without what follows it, or
// nil when p is not one, and what was wrong. Only the header is looked at, and
// how long the table of tags is that follows it.
func soundICC(p []byte) ([]byte, string) {
	h, err := ParseProfile(p)
	switch {
	case err != nil:
		return nil, "the ICC profile is left out, it has no valid header"
	case h.Size < iccHeader || h.Size > int64(len(p)):
		return nil, fmt.Sprintf("the ICC profile is left out, it says to be %d bytes and is %d",
			h.Size, len(p))
	case h.Channels() == 0:
		return nil, fmt.Sprintf("the ICC profile is left out, its colour space is %q", h.Space)
	}
	// ISO 15076-1, 7.3: the number of tags and 12 bytes for each.
	if room := h.Size - iccHeader - 4; room >= 0 && int64(binary.BigEndian.Uint32(p[iccHeader:])) > room/12 {
		return nil, "the ICC profile is left out, its tags do not fit"
	}
	if h.Size < int64(len(p)) {
		return p[:h.Size], fmt.Sprintf("%d bytes follow the ICC profile", int64(len(p))-h.Size)
	}
	return p, ""
}
