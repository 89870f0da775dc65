/** A filter with what it lets through and what it does not. `body`: documents; `headers`: one level of text. */
export interface FilterVector {
  readonly rule: string
  readonly scope: 'body' | 'headers'
  readonly filter: object
  readonly matches: readonly unknown[]
  readonly misses: readonly unknown[]
}

/** A filter that is refused, and the reason at the end of the error. */
export interface FilterRefusal {
  readonly rule: string
  readonly scope: 'body' | 'headers'
  readonly filter: unknown
  readonly reason: string
}

const values = (count: number): string[] => Array.from({ length: count }, (_, index) => `v${index}`)

export const filterVectors: readonly FilterVector[] = [
  { rule: 'exact text, case-sensitive', scope: 'body', filter: { a: ['x'] }, matches: [{ a: 'x' }, { a: 'x', b: 1 }], misses: [{ a: 'X' }, { a: 'xx' }, { a: '' }, { b: 'x' }, {}] },
  { rule: 'exact number, not its text', scope: 'body', filter: { a: [100] }, matches: [{ a: 100 }, { a: 1e2 }], misses: [{ a: '100' }, { a: 101 }, { a: true }] },
  { rule: 'exact text, not the number', scope: 'body', filter: { a: ['100'] }, matches: [{ a: '100' }], misses: [{ a: 100 }] },
  { rule: 'true and false', scope: 'body', filter: { a: [true], b: [false] }, matches: [{ a: true, b: false }], misses: [{ a: 'true', b: false }, { a: true, b: null }, { a: true }, { a: 1, b: 0 }] },
  { rule: 'null is a value and does not match a missing key', scope: 'body', filter: { a: [null] }, matches: [{ a: null }], misses: [{}, { a: 'null' }, { a: 0 }, { a: '' }, { a: {} }] },
  { rule: 'keys are ANDed', scope: 'body', filter: { a: ['x'], b: ['y'] }, matches: [{ a: 'x', b: 'y' }], misses: [{ a: 'x' }, { b: 'y' }, { a: 'y', b: 'x' }] },
  { rule: 'alternatives are ORed', scope: 'body', filter: { a: ['x', 5, { prefix: 'z' }] }, matches: [{ a: 'x' }, { a: 5 }, { a: 'zoo' }], misses: [{ a: 'y' }, { a: 6 }] },
  { rule: 'prefix', scope: 'body', filter: { a: [{ prefix: 'ab' }] }, matches: [{ a: 'ab' }, { a: 'abc' }], misses: [{ a: 'a' }, { a: 'Abc' }, { a: 'xab' }, { a: 5 }, { a: null }, {}] },
  { rule: 'suffix', scope: 'body', filter: { a: [{ suffix: 'yz' }] }, matches: [{ a: 'yz' }, { a: 'xyz' }], misses: [{ a: 'z' }, { a: 'yza' }, { a: 'YZ' }, { a: 5 }, {}] },
  { rule: 'equals-ignore-case', scope: 'body', filter: { a: [{ 'equals-ignore-case': 'Straße' }] }, matches: [{ a: 'straße' }, { a: 'STRAßE' }], misses: [{ a: 'strasse' }, { a: 5 }, {}] },
  { rule: 'anything-but a text', scope: 'body', filter: { a: [{ 'anything-but': 'x' }] }, matches: [{ a: 'y' }, { a: '' }, { a: 5 }, { a: false }], misses: [{ a: 'x' }, {}, { a: null }, { a: {} }, { a: [] }] },
  { rule: 'anything-but a number', scope: 'body', filter: { a: [{ 'anything-but': 5 }] }, matches: [{ a: 6 }, { a: '5' }], misses: [{ a: 5 }, {}] },
  { rule: 'anything-but a list of texts', scope: 'body', filter: { a: [{ 'anything-but': ['x', 'y'] }] }, matches: [{ a: 'z' }, { a: 1 }], misses: [{ a: 'x' }, { a: 'y' }, {}] },
  { rule: 'anything-but a list of numbers', scope: 'body', filter: { a: [{ 'anything-but': [1, 2] }] }, matches: [{ a: 3 }, { a: '1' }], misses: [{ a: 1 }, { a: 2 }, {}] },
  { rule: 'anything-but a prefix', scope: 'body', filter: { a: [{ 'anything-but': { prefix: 'x' } }] }, matches: [{ a: 'ax' }, { a: '' }], misses: [{ a: 'x' }, { a: 'xyz' }, {}, { a: null }] },
  { rule: 'anything-but matches an array with any other element', scope: 'body', filter: { a: [{ 'anything-but': ['x'] }] }, matches: [{ a: ['x', 'y'] }], misses: [{ a: ['x', 'x'] }, { a: [] }] },
  { rule: 'null or anything-but does not match a missing key', scope: 'body', filter: { a: [null, { 'anything-but': 'whatever' }] }, matches: [{ a: null }, { a: 'other' }], misses: [{}, { b: 1 }, { a: 'whatever' }] },
  { rule: 'numeric =', scope: 'body', filter: { a: [{ numeric: ['=', 1.5] }] }, matches: [{ a: 1.5 }], misses: [{ a: 1.51 }, { a: '1.5' }, {}, { a: null }] },
  { rule: 'numeric <', scope: 'body', filter: { a: [{ numeric: ['<', 10] }] }, matches: [{ a: 9.99999 }, { a: -1e9 }], misses: [{ a: 10 }, { a: 11 }] },
  { rule: 'numeric <=', scope: 'body', filter: { a: [{ numeric: ['<=', 10] }] }, matches: [{ a: 10 }, { a: 9 }], misses: [{ a: 10.00001 }] },
  { rule: 'numeric >', scope: 'body', filter: { a: [{ numeric: ['>', 10] }] }, matches: [{ a: 10.00001 }], misses: [{ a: 10 }, { a: 9 }] },
  { rule: 'numeric >=', scope: 'body', filter: { a: [{ numeric: ['>=', 10_000] }] }, matches: [{ a: 10_000 }, { a: 1e9 }], misses: [{ a: 9999 }, { a: true }] },
  { rule: 'numeric range, open and closed', scope: 'body', filter: { a: [{ numeric: ['>', 0, '<=', 5] }] }, matches: [{ a: 0.00001 }, { a: 5 }], misses: [{ a: 0 }, { a: 5.00001 }, { a: -1 }] },
  { rule: 'numeric range, closed and open', scope: 'body', filter: { a: [{ numeric: ['>=', -5, '<', 5] }] }, matches: [{ a: -5 }, { a: 4 }], misses: [{ a: 5 }, { a: -6 }] },
  { rule: 'exists true', scope: 'body', filter: { a: [{ exists: true }] }, matches: [{ a: 'x' }, { a: '' }, { a: 0 }, { a: false }, { a: null }, { a: [1] }], misses: [{}, { b: 1 }] },
  { rule: 'exists false', scope: 'body', filter: { a: [{ exists: false }] }, matches: [{}, { b: 1 }], misses: [{ a: 'x' }, { a: null }] },
  { rule: 'exists works on leaves', scope: 'body', filter: { a: [{ exists: true }] }, matches: [{ a: 1 }], misses: [{ a: { b: 1 } }, { a: [] }] },
  { rule: 'exists false or a value', scope: 'body', filter: { a: [{ exists: false }, 'x'] }, matches: [{}, { a: 'x' }], misses: [{ a: 'y' }] },
  { rule: 'cidr of IPv4', scope: 'body', filter: { ip: [{ cidr: '10.1.0.0/16' }] }, matches: [{ ip: '10.1.0.0' }, { ip: '10.1.255.255' }], misses: [{ ip: '10.2.0.0' }, { ip: '10.1.0.0/16' }, { ip: '10.1.0' }, { ip: '10.1.0.256' }, { ip: '::a01:0' }, { ip: 5 }, {}] },
  { rule: 'cidr that is not on a byte boundary', scope: 'body', filter: { ip: [{ cidr: '192.168.4.0/22' }] }, matches: [{ ip: '192.168.7.255' }, { ip: '192.168.4.1' }], misses: [{ ip: '192.168.8.0' }, { ip: '192.168.3.255' }] },
  { rule: 'cidr of everything', scope: 'body', filter: { ip: [{ cidr: '0.0.0.0/0' }] }, matches: [{ ip: '255.1.2.3' }], misses: [{ ip: 'x' }, { ip: '::1' }] },
  { rule: 'cidr of IPv6', scope: 'body', filter: { ip: [{ cidr: '2001:db8::/32' }] }, matches: [{ ip: '2001:db8::1' }, { ip: '2001:0DB8:ffff:0:0:0:0:1' }], misses: [{ ip: '2001:db9::1' }, { ip: '10.0.0.1' }, { ip: '2001:db8:::1' }, { ip: '1:2:3:4:5:6:7:8:9' }] },
  { rule: 'cidr of IPv6 with an IPv4 tail', scope: 'body', filter: { ip: [{ cidr: '::ffff:10.0.0.0/104' }] }, matches: [{ ip: '::ffff:10.9.9.9' }, { ip: '::ffff:a00:1' }], misses: [{ ip: '::ffff:11.0.0.0' }, { ip: '10.0.0.1' }] },
  { rule: 'objects nest', scope: 'body', filter: { a: { b: { c: ['x'] } } }, matches: [{ a: { b: { c: 'x', d: 1 } } }], misses: [{ a: { b: { c: 'y' } } }, { a: { c: 'x' } }, { a: 'x' }, { c: 'x' }, {}] },
  { rule: 'exists false below what is not there', scope: 'body', filter: { a: { b: [{ exists: false }] } }, matches: [{}, { a: {} }, { a: 5 }, { a: [] }], misses: [{ a: { b: 1 } }] },
  { rule: 'an array matches if any element does', scope: 'body', filter: { a: ['x', { numeric: ['>', 5] }] }, matches: [{ a: ['w', 'x'] }, { a: [1, 6] }, { a: [['x']] }], misses: [{ a: [] }, { a: ['w', 5] }] },
  { rule: 'an array of objects matches if one object satisfies the whole nested policy', scope: 'body', filter: { items: { sku: ['x'], quantity: [2] } }, matches: [{ items: [{ sku: 'w', quantity: 1 }, { sku: 'x', quantity: 2 }] }, { items: [[{ sku: 'x', quantity: 2 }]] }], misses: [{ items: [{ sku: 'x', quantity: 1 }, { sku: 'w', quantity: 2 }] }, { items: [] }, { items: ['x', 2] }] },
  { rule: 'a key with dots is a name and a path', scope: 'body', filter: { 'a.b': ['x'] }, matches: [{ 'a.b': 'x' }, { a: { b: 'x' } }, { a: [{ b: 'w' }, { b: 'x' }] }], misses: [{ a: { b: 'y' } }, { b: 'x' }, { a: 'x' }] },
  { rule: 'a longer key with dots', scope: 'body', filter: { 'a.b.c': ['x'] }, matches: [{ a: { b: { c: 'x' } } }, { 'a.b': { c: 'x' } }, { a: { 'b.c': 'x' } }], misses: [{ a: { b: 'x' } }] },
  { rule: 'exists with dots', scope: 'body', filter: { 'a.b': [{ exists: false }] }, matches: [{}, { a: {} }, { a: 1 }], misses: [{ a: { b: 1 } }, { 'a.b': 1 }] },
  { rule: '$or of policies', scope: 'body', filter: { a: ['x'], $or: [{ b: ['y'] }, { c: [{ numeric: ['>', 1] }] }] }, matches: [{ a: 'x', b: 'y' }, { a: 'x', c: 2 }], misses: [{ a: 'x' }, { b: 'y' }, { a: 'x', b: 'z', c: 1 }] },
  { rule: '$or nests and may be nested', scope: 'body', filter: { a: { $or: [{ b: [1] }, { $or: [{ c: [1] }, { d: [1] }] }] } }, matches: [{ a: { b: 1 } }, { a: { c: 1 } }, { a: { d: 1 } }], misses: [{ b: 1 }, { a: { b: 2 } }, {}] },
  { rule: '$or with anything but policies is an ordinary key', scope: 'body', filter: { $or: ['x', 'y'] }, matches: [{ $or: 'x' }], misses: [{}, { a: 'x' }] },
  { rule: 'only JSON objects match', scope: 'body', filter: { a: [{ exists: false }] }, matches: [{}], misses: [null, 'text', 5, true, [], [{ b: 1 }], undefined] },
  { rule: 'inherited members are not there', scope: 'body', filter: { constructor: [{ exists: false }], toString: [{ exists: false }] }, matches: [{}], misses: [{ toString: 'x' }] },
  { rule: 'five keys are allowed, with any number below', scope: 'body', filter: { a: { f: ['1'], g: ['1'] }, b: ['1'], c: ['1'], d: ['1'], e: ['1'] }, matches: [{ a: { f: '1', g: '1' }, b: '1', c: '1', d: '1', e: '1' }], misses: [{}] },
  { rule: '150 combinations are allowed', scope: 'body', filter: { a: values(15), b: values(10) }, matches: [{ a: 'v14', b: 'v9' }], misses: [{ a: 'v15', b: 'v0' }] },

  { rule: 'header values are compared as text', scope: 'headers', filter: { n: ['100'] }, matches: [{ n: '100' }], misses: [{ n: '100.0' }, {}, { N: '100' }] },
  { rule: 'operators on headers', scope: 'headers', filter: { tenant: [{ prefix: 'acme-' }, { 'equals-ignore-case': 'Test' }], region: [{ 'anything-but': ['us'] }] }, matches: [{ tenant: 'acme-1', region: 'eu' }, { tenant: 'TEST', region: '' }], misses: [{ tenant: 'acme-1' }, { tenant: 'acme-1', region: 'us' }, { region: 'eu' }] },
  { rule: 'exists on headers', scope: 'headers', filter: { a: [{ exists: true }], b: [{ exists: false }] }, matches: [{ a: '' }], misses: [{}, { a: '', b: '' }] },
  { rule: 'header cidr, suffix and list', scope: 'headers', filter: { ip: [{ cidr: '10.0.0.0/8' }], file: [{ suffix: '.png' }, 'x'] }, matches: [{ ip: '10.0.0.1', file: 'x' }, { ip: '10.0.0.1', file: 'a.png' }], misses: [{ ip: '11.0.0.1', file: 'x' }] },
  { rule: 'a header name with dots is a name', scope: 'headers', filter: { 'a.b': ['x'] }, matches: [{ 'a.b': 'x' }], misses: [{}] },
  { rule: 'inherited members are no headers', scope: 'headers', filter: { constructor: [{ exists: false }] }, matches: [{}], misses: [{ constructor: 'x' }] },
]

const complex = 'Filter policy is too complex'
const scalar = 'Match value must be String, number, true, false, or null'

export const filterRefusals: readonly FilterRefusal[] = [
  { rule: 'more than five keys', scope: 'body', filter: { a: ['1'], b: ['1'], c: ['1'], d: ['1'], e: ['1'], f: ['1'] }, reason: 'Filter policy can not have more than 5 keys' },
  { rule: 'more than 150 combinations', scope: 'body', filter: { a: values(151) }, reason: complex },
  { rule: 'combinations are a product', scope: 'body', filter: { a: values(16), b: values(10) }, reason: complex },
  { rule: 'combinations count nesting (2 × 76)', scope: 'body', filter: { a: { b: values(76) } }, reason: complex },
  { rule: 'combinations add up alternatives of $or', scope: 'body', filter: { a: values(3), $or: [{ b: values(50) }, { c: ['x'] }] }, reason: complex },
  { rule: 'longer than 256 KB', scope: 'body', filter: { a: ['x'.repeat(256 * 1024)] }, reason: 'Filter policy is too long: at most 256 KB' },
  { rule: 'empty array', scope: 'body', filter: { a: [] }, reason: 'Empty arrays are not allowed' },
  { rule: 'empty object', scope: 'body', filter: {}, reason: 'Empty objects are not allowed' },
  { rule: 'empty nested object', scope: 'body', filter: { a: {} }, reason: 'Empty objects are not allowed' },
  { rule: 'no object', scope: 'body', filter: ['x'], reason: 'the filter must be an object' },
  { rule: 'a leaf that is neither array nor object', scope: 'body', filter: { key: 'x' }, reason: '"key" must be an object or an array' },
  { rule: 'a nested leaf that is neither', scope: 'body', filter: { a: { key: 5 } }, reason: '"key" must be an object or an array' },
  { rule: 'two operators in one object', scope: 'body', filter: { a: [{ prefix: 'x', suffix: 'y' }] }, reason: 'Only one key allowed in match expression' },
  { rule: 'no operator in an object', scope: 'body', filter: { a: [{}] }, reason: 'Only one key allowed in match expression' },
  { rule: 'an array where a value is expected', scope: 'body', filter: { a: [['x']] }, reason: scalar },
  { rule: 'undefined where a value is expected', scope: 'body', filter: { a: [undefined] }, reason: scalar },
  { rule: 'NaN is no JSON', scope: 'body', filter: { a: [Number.NaN] }, reason: scalar },
  { rule: 'unknown operator', scope: 'body', filter: { a: [{ startsWith: 'x' }] }, reason: 'Unrecognized match type startsWith' },
  { rule: 'wildcard is EventBridge only', scope: 'body', filter: { a: [{ wildcard: 'x*' }] }, reason: 'Unrecognized match type wildcard' },
  { rule: '$or with a single policy is an ordinary key', scope: 'body', filter: { $or: [{ a: ['x'] }] }, reason: 'Unrecognized match type a' },
  { rule: '$or of operators', scope: 'body', filter: { $or: [{ prefix: 'x' }, { suffix: 'y' }] }, reason: '"prefix" must be an object or an array' },
  { rule: 'anything-but with suffix', scope: 'body', filter: { a: [{ 'anything-but': { suffix: 'x' } }] }, reason: 'Unsupported anything-but pattern: suffix' },
  { rule: 'anything-but with exists', scope: 'body', filter: { a: [{ 'anything-but': { exists: true } }] }, reason: 'Unsupported anything-but pattern: exists' },
  { rule: 'anything-but with a prefix that is no text', scope: 'body', filter: { a: [{ 'anything-but': { prefix: 5 } }] }, reason: 'prefix match pattern must be a string' },
  { rule: 'anything-but with nothing', scope: 'body', filter: { a: [{ 'anything-but': [] }] }, reason: 'Empty arrays are not allowed' },
  { rule: 'anything-but with mixed types', scope: 'body', filter: { a: [{ 'anything-but': ['x', 5] }] }, reason: 'mixed type is not supported' },
  { rule: 'anything-but with null', scope: 'body', filter: { a: [{ 'anything-but': null }] }, reason: 'mixed type is not supported' },
  { rule: 'prefix that is no text', scope: 'body', filter: { a: [{ prefix: 5 }] }, reason: 'prefix match pattern must be a string' },
  { rule: 'suffix that is no text', scope: 'body', filter: { a: [{ suffix: ['x'] }] }, reason: 'suffix match pattern must be a string' },
  { rule: 'equals-ignore-case that is no text', scope: 'body', filter: { a: [{ 'equals-ignore-case': null }] }, reason: 'equals-ignore-case match pattern must be a string' },
  { rule: 'exists that is no boolean', scope: 'body', filter: { a: [{ exists: 'true' }] }, reason: 'exists match pattern must be either true or false.' },
  { rule: 'numeric operand that is no number', scope: 'body', filter: { a: [{ numeric: ['<', '5'] }] }, reason: 'Value of < must be numeric' },
  { rule: 'numeric = operand that is no number', scope: 'body', filter: { a: [{ numeric: ['=', '5'] }] }, reason: 'Value of equals must be numeric' },
  { rule: 'numeric without an operand', scope: 'body', filter: { a: [{ numeric: ['>='] }] }, reason: 'Value of >= must be numeric' },
  { rule: 'numeric upper operand that is no number', scope: 'body', filter: { a: [{ numeric: ['>', 1, '<=', null] }] }, reason: 'Value of <= must be numeric' },
  { rule: 'numeric operand out of range', scope: 'body', filter: { a: [{ numeric: ['<', 1_000_000_001] }] }, reason: 'Value of < must be between -1000000000 and 1000000000, with at most 5 decimals' },
  { rule: 'numeric operand with six decimals', scope: 'body', filter: { a: [{ numeric: ['<', 0.000_001] }] }, reason: 'Value of < must be between -1000000000 and 1000000000, with at most 5 decimals' },
  { rule: 'numeric unknown operator', scope: 'body', filter: { a: [{ numeric: ['!=', 5] }] }, reason: 'Unrecognized numeric range operator: !=' },
  { rule: 'numeric second half that is no upper bound', scope: 'body', filter: { a: [{ numeric: ['>', 1, '>', 5] }] }, reason: 'Bad numeric range operator: >' },
  { rule: 'numeric bounds equal', scope: 'body', filter: { a: [{ numeric: ['>=', 5, '<=', 5] }] }, reason: 'Bottom must be less than top' },
  { rule: 'numeric bounds crossed', scope: 'body', filter: { a: [{ numeric: ['>', 6, '<', 5] }] }, reason: 'Bottom must be less than top' },
  { rule: 'numeric = with more', scope: 'body', filter: { a: [{ numeric: ['=', 5, '<', 6] }] }, reason: 'Too many elements in numeric expression' },
  { rule: 'numeric range with more', scope: 'body', filter: { a: [{ numeric: ['>', 1, '<', 5, '<', 6] }] }, reason: 'Too many terms in numeric range expression' },
  { rule: 'numeric that is no list', scope: 'body', filter: { a: [{ numeric: 5 }] }, reason: 'Invalid member in numeric match: ]' },
  { rule: 'numeric that begins with a number', scope: 'body', filter: { a: [{ numeric: [5] }] }, reason: 'Invalid member in numeric match: 5' },
  { rule: 'cidr without a mask', scope: 'body', filter: { a: [{ cidr: '10.0.0.0' }] }, reason: "Malformed CIDR, one '/' required" },
  { rule: 'cidr with two masks', scope: 'body', filter: { a: [{ cidr: '10.0.0.0/8/8' }] }, reason: "Malformed CIDR, one '/' required" },
  { rule: 'cidr with a mask that is no number', scope: 'body', filter: { a: [{ cidr: '10.0.0.0/x' }] }, reason: 'Malformed CIDR, mask bits must be an integer' },
  { rule: 'cidr of a name', scope: 'body', filter: { a: [{ cidr: 'localhost/8' }] }, reason: 'Nonstandard IP address: localhost' },
  { rule: 'cidr of half an address', scope: 'body', filter: { a: [{ cidr: '10.0.0/8' }] }, reason: 'Nonstandard IP address: 10.0.0' },
  { rule: 'cidr with too wide a mask', scope: 'body', filter: { a: [{ cidr: '10.0.0.0/32' }] }, reason: 'IPv4 mask bits must be < 32' },
  { rule: 'cidr that is no text', scope: 'body', filter: { a: [{ cidr: 8 }] }, reason: 'prefix match pattern must be a string' },

  { rule: 'headers do not nest', scope: 'headers', filter: { a: { b: ['x'] } }, reason: 'Filter policy scope MessageAttributes does not support nested filter policy' },
  { rule: 'a header condition that is neither', scope: 'headers', filter: { key: 'x' }, reason: '"key" must be an object or an array' },
  { rule: 'numeric on headers', scope: 'headers', filter: { a: [{ numeric: ['>', 5] }] }, reason: 'numeric never matches; header values are text: compare with a string' },
  { rule: 'a number on headers', scope: 'headers', filter: { a: [5] }, reason: '5 never matches; header values are text: compare with a string' },
  { rule: 'null on headers', scope: 'headers', filter: { a: [null] }, reason: 'null never matches; header values are text: compare with a string' },
  { rule: 'numbers in anything-but on headers', scope: 'headers', filter: { a: [{ 'anything-but': [5] }] }, reason: 'a number never matches; header values are text: compare with a string' },
  { rule: 'more than five header names', scope: 'headers', filter: { a: ['1'], b: ['1'], c: ['1'], d: ['1'], e: ['1'], f: ['1'] }, reason: 'Filter policy can not have more than 5 keys' },
  { rule: 'more than 150 header combinations', scope: 'headers', filter: { a: values(151) }, reason: complex },
  { rule: 'an empty header list', scope: 'headers', filter: { a: [] }, reason: 'Empty arrays are not allowed' },
  { rule: 'unknown header operator', scope: 'headers', filter: { a: [{ wildcard: 'x' }] }, reason: 'Unrecognized match type wildcard' },
]
