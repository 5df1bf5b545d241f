package synthesis

func (m *machine[T]) across(r int, j *acrossJob)          { m.acrossGo(r, j) }
func (m *machine[T]) acrossFinished(l *level, y, end int) { m.acrossFinishedGo(l, y, end) }
func (m *machine[T]) down(l *level, first, last int)      { m.downGo(l, first, last) }

func packRCT(*[3]Plane, *[3]Samples, int, int) bool { return false }
func packICT(*[3]Plane, *[3]Samples, int, int) bool { return false }
