import { expect, it } from 'vitest'
import { toBrokerError } from './errors.ts'

it('says in plain words that there is no TLS', () => {
  const error = Object.assign(new Error('401D:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:tlsany_meth.c:77:\n'), {
    code: 'ERR_SSL_WRONG_VERSION_NUMBER',
  })
  const message = 'Connecting: nothing speaks TLS at this address; check the port: 8883 for mqtts, 443 for wss'
  expect(toBrokerError(error, 'Connecting')).toMatchObject({ code: 'ERR_CONFIGURATION', retryable: false, message, cause: error })
  expect(toBrokerError(new Error('connect ECONNREFUSED'), 'Connecting').message).toBe('Connecting: connect ECONNREFUSED')
})
