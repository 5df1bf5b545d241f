// This file implements CRG, the component registration (A.9.1).

package codestream

func parseCRG(f *fields, components int) ([]Registration, error) {
	if f.left() != 4*components {
		return nil, f.errorf("its length of %d bytes is not that of %d components",
			len(f.data)+2, components)
	}
	list := make([]Registration, components)
	for i := range list {
		list[i] = Registration{X: uint16(f.u16()), Y: uint16(f.u16())}
	}
	return list, f.finish()
}
