package sample

import "strconv"

// hexDigits are the digits of numbers to the base 16, or less.
const hexDigits = "0123456789abcdef"

// appendHex appends the 16 hexadecimal digits of x.
func appendHex(dst []byte, x uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[x>>shift&15])
	}
	return dst
}

// appendID appends 32 hexadecimal digits that belong to item i of the thing x.
func appendID(dst []byte, x, i uint64) []byte {
	return appendHex(appendHex(dst, mix(x+i*2)), mix(^x-i))
}

// appendString appends `,"key":"value"`; head is everything before the value. Neither is escaped.
func appendString(dst []byte, head, value string) []byte {
	dst = append(dst, head...)
	dst = append(dst, value...)
	return append(dst, '"')
}

// appendInt appends head and a number.
func appendInt[T int | int64 | uint32 | uint64](dst []byte, head string, n T) []byte {
	dst = append(dst, head...)
	return strconv.AppendInt(dst, int64(n), 10)
}

// appendFraction appends head and n/10^digits as a decimal number without needless zeros.
func appendFraction(dst []byte, head string, n int64, digits int) []byte {
	dst = append(dst, head...)
	unit := int64(1)
	for range digits {
		unit *= 10
	}
	dst = strconv.AppendInt(dst, n/unit, 10)
	n %= unit
	if n == 0 {
		return dst
	}
	dst = append(dst, '.')
	for n > 0 {
		unit /= 10
		dst = append(dst, hexDigits[n/unit])
		n %= unit
	}
	return dst
}

// appendPadded appends n with at least width digits.
func appendPadded(dst []byte, n, width int) []byte {
	unit := 1
	for range width - 1 {
		unit *= 10
	}
	for ; unit > n && unit > 1; unit /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(n), 10)
}
