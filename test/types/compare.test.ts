import { describe, expect, it } from 'vitest'
import { compare, readDiagnostics, readExpectations } from './compare.ts'

const source = ["import { x } from 'y'", '', '// error: no such thing', '// (a remark)', 'x()', '// error: wrong type', 'x(1)', ''].join('\n')

describe('type test runner', () => {
  it('reads diagnostics with what follows them', () => {
    const output = "a.ts(5,1): error TS2345: Argument.\n  Type 'a' is not 'b'.\n    Because.\nb.ts(7,2): error TS1: Other.\nerror TS2688: No file.\n"
    expect(readDiagnostics(output)).toEqual([
      { file: 'a.ts', line: 5, text: "Argument.\nType 'a' is not 'b'.\nBecause." },
      { file: 'b.ts', line: 7, text: 'Other.' },
      { file: '', line: 0, text: 'error TS2688: No file.' },
    ])
  })

  it('takes a comment to be about the next line of code', () => {
    expect(readExpectations('a.ts', source)).toEqual([
      { file: 'a.ts', line: 5, text: 'no such thing' },
      { file: 'a.ts', line: 7, text: 'wrong type' },
    ])
  })

  const expected = readExpectations('a.ts', source)
  const first = { file: 'a.ts', line: 5, text: 'There is no such thing as x' }
  const second = { file: 'a.ts', line: 7, text: 'This is the wrong type' }

  it('is content when every error is there', () => {
    expect(compare(expected, [first, second])).toEqual([])
  })

  it('reports an error that did not come', () => {
    expect(compare(expected, [first])).toEqual(['a.ts:7: expected an error with the text: wrong type\nthere is none'])
  })

  it('reports an error with another text, once', () => {
    expect(compare(expected, [first, { ...second, text: 'Something else' }])).toEqual([
      'a.ts:7: expected an error with the text: wrong type\nthere is: Something else',
    ])
  })

  it('reports an error that nobody expected, in any file', () => {
    expect(compare(expected, [first, second, { file: 'b.ts', line: 1, text: 'Oops' }])).toEqual(['b.ts:1: unexpected error: Oops'])
    expect(compare([], [{ file: '', line: 0, text: 'error TS2688: No file.' }])).toHaveLength(1)
  })
})
