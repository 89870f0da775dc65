import { expect, it } from 'vitest'
import { parseApiGatewayForm, parseApiGatewayRequest } from './api-gateway.ts'

/** As API Gateway's template for passing all through makes it. */
const passedThrough = String.raw`{
"body-json" : {"orderId":"o-1","note":"a \\ and \"b\""},
"params" : {
"path" : {
    "customer" : "c-7"
    }
,"querystring" : {
    "dry" : "true"
    }
,"header" : {
    "Content-Type" : "application/json"
    ,    "User-Agent" : "O\'Brien\'s \\\"client\\\""
    }
},
"stage-variables" : {
},
"context" : {
    "http-method" : "POST",
    "stage" : "prod",
    "source-ip" : "192.0.2.1",
    "resource-path" : "/{customer}/orders"
    }
}`

it('reads what the template for passing all through makes, with the apostrophes that it escapes', () => {
  const { headers, pathParameters, query, stageVariables, ...others } = parseApiGatewayRequest(passedThrough)
  expect(others).toEqual({
    body: { orderId: 'o-1', note: 'a \\ and "b"' },
    method: 'POST',
    context: { 'http-method': 'POST', stage: 'prod', 'source-ip': '192.0.2.1', 'resource-path': '/{customer}/orders' },
  })
  expect([{ ...headers }, { ...pathParameters }, { ...query }, { ...stageVariables }]).toEqual([
    { 'content-type': 'application/json', 'user-agent': String.raw`O'Brien's \"client\"` },
    { customer: 'c-7' },
    { dry: 'true' },
    {},
  ])
})

it('reads what imitates the event of a proxy, text and bytes', () => {
  const proxy = {
    httpMethod: 'PUT',
    headers: { Tenant: 'acme' },
    queryStringParameters: null,
    pathParameters: { id: '7' },
    requestContext: { stage: 'prod' },
    body: 'AAH/',
    isBase64Encoded: true,
  }
  expect(parseApiGatewayRequest(JSON.stringify(proxy))).toMatchObject({
    method: 'PUT',
    headers: { tenant: 'acme' },
    query: {},
    pathParameters: { id: '7' },
    context: { stage: 'prod' },
    body: Buffer.of(0, 1, 0xff),
  })
  expect(parseApiGatewayRequest({ ...proxy, isBase64Encoded: false }).body).toBe('AAH/')
  expect(parseApiGatewayRequest({ ...proxy, body: null }).body).toBeUndefined()
})

it.each([
  ['{"orderId":"o-1"}', "'params' is missing"],
  ['a=1', 'it is no JSON'],
  [Uint8Array.of(0xff), 'it is no UTF-8'],
  [{ params: [] }, "'params' must be an object"],
  [{ params: { header: { a: 1 } } }, "'params.header.a' must be a text"],
  [{ params: {}, context: 'x' }, "'context' must be an object"],
  [{ body: '!', isBase64Encoded: true }, "'body' must be base64"],
  [{ body: {}, isBase64Encoded: false }, "'body' must be a text"],
  [{ body: 'x', isBase64Encoded: 'yes' }, "'isBase64Encoded' must be true or false"],
])('refuses the request %j', (body, problem) => {
  expect(() => parseApiGatewayRequest(body)).toThrow(expect.objectContaining({ code: 'ERR_UNDECODABLE', message: expect.stringContaining(problem) }))
})

it('reads forms: repeated names, blanks, values that are missing', () => {
  expect({ ...parseApiGatewayForm('a=1&b=two+words&a=h%C3%A4%C3%9F%26&c&d=x=y&__proto__=p') }).toEqual({
    a: ['1', 'häß&'],
    b: ['two words'],
    c: [''],
    d: ['x=y'],
    ['__proto__']: ['p'],
  })
  expect({ ...parseApiGatewayForm('') }).toEqual({})
  expect({ ...parseApiGatewayForm(Buffer.from('a=1').toString('base64'), { base64: true }) }).toEqual({ a: ['1'] })
})

it.each([
  ['{"a":1}', false, 'characters'],
  ['a=ä', false, 'characters'],
  ['a=two words', false, 'characters'],
  ['a=%', false, 'URL-encoded'],
  ['a=%ff', false, 'URL-encoded'],
  ['a=1', true, 'base64'],
  ['/w==', true, 'UTF-8'],
  [Uint8Array.of(0xff), false, 'UTF-8'],
])('refuses the form %j', (body, base64, problem) => {
  expect(() => parseApiGatewayForm(body, { base64 })).toThrow(expect.objectContaining({ code: 'ERR_UNDECODABLE', message: expect.stringContaining(problem) }))
})
