import { expect, it } from 'vitest'
import { isTlsFault } from './tls-fault.ts'

it.each([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_OSSL_UNSUPPORTED',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'EPROTO',
])('knows %s', (code) => {
  expect(isTlsFault(code)).toBe(true)
})

it.each(['ECONNREFUSED', 'ETIMEDOUT', 'ENOTFOUND', '', undefined, 42])('takes %s for no fault of TLS', (code) => {
  expect(isTlsFault(code)).toBe(false)
})
