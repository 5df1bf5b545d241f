package codestream

import "fmt"

// A Marker is a codestream marker code (Table A.1).
type Marker uint16

// The markers of Part 1 and Part 15.
const (
	SOC       Marker = 0xFF4F
	CAPMarker Marker = 0xFF50
	SIZ       Marker = 0xFF51
	COD       Marker = 0xFF52
	COC       Marker = 0xFF53
	TLM       Marker = 0xFF55
	PRF       Marker = 0xFF56
	PLM       Marker = 0xFF57
	PLT       Marker = 0xFF58
	CPF       Marker = 0xFF59
	QCD       Marker = 0xFF5C
	QCC       Marker = 0xFF5D
	RGN       Marker = 0xFF5E
	POC       Marker = 0xFF5F
	PPM       Marker = 0xFF60
	PPT       Marker = 0xFF61
	CRG       Marker = 0xFF63
	COM       Marker = 0xFF64
	SOT       Marker = 0xFF90
	SOP       Marker = 0xFF91
	EPH       Marker = 0xFF92
	SOD       Marker = 0xFF93
	EOC       Marker = 0xFFD9
)

// String is the standard's name of the marker, or its code where it has none
// in Part 1 or Part 15.
func (m Marker) String() string {
	switch m {
	case SOC:
		return "SOC"
	case CAPMarker:
		return "CAP"
	case SIZ:
		return "SIZ"
	case COD:
		return "COD"
	case COC:
		return "COC"
	case TLM:
		return "TLM"
	case PRF:
		return "PRF"
	case PLM:
		return "PLM"
	case PLT:
		return "PLT"
	case CPF:
		return "CPF"
	case QCD:
		return "QCD"
	case QCC:
		return "QCC"
	case RGN:
		return "RGN"
	case POC:
		return "POC"
	case PPM:
		return "PPM"
	case PPT:
		return "PPT"
	case CRG:
		return "CRG"
	case COM:
		return "COM"
	case SOT:
		return "SOT"
	case SOP:
		return "SOP"
	case EPH:
		return "EPH"
	case SOD:
		return "SOD"
	case EOC:
		return "EOC"
	}
	return fmt.Sprintf("%04X", uint16(m))
}

// bare reports whether a marker stands alone, without a length after it
// (Table A.1, and the reserved range of A.1).
func (m Marker) bare() bool {
	switch m {
	case SOC, EPH, SOD, EOC:
		return true
	}
	return 0xFF30 <= m && m <= 0xFF3F
}

// foreign is the name of a marker of another part of the standard that changes
// how samples come out, so that skipping it would give wrong ones; it is empty
// for all others.
func (m Marker) foreign() string {
	switch m {
	case 0xFF65:
		return "SEC (Part 8)"
	case 0xFF70:
		return "DCO (Part 2)"
	case 0xFF71:
		return "VMS (Part 2)"
	case 0xFF72:
		return "DFS (Part 2)"
	case 0xFF73:
		return "ADS (Part 2)"
	case 0xFF74:
		return "MCT (Part 2)"
	case 0xFF75:
		return "MCC (Part 2)"
	case 0xFF76:
		return "NLT (Part 2)"
	case 0xFF77:
		return "MCO (Part 2)"
	case 0xFF78:
		return "CBD (Part 2)"
	case 0xFF79:
		return "ATK (Part 2)"
	}
	return ""
}

func appendMarker(dst []byte, m Marker) []byte {
	return append(dst, byte(m>>8), byte(m))
}
