import { expect, it } from 'vitest'
import { isLoopback } from './loopback.ts'

it.each(['localhost', 'broker.localhost', '127.0.0.1', '127.255.255.254', '::1', '[::1]'])('%s is this machine', (host) => {
  expect(isLoopback(host)).toBe(true)
})

it.each([
  '',
  'localhost.example.com',
  'notlocalhost',
  '127.example.com',
  '127.0.0.1.example.com',
  '127.0.0',
  '127.0.0.256',
  '128.0.0.1',
  '10.0.0.1',
  '0.0.0.0',
  '::2',
  '::ffff:10.0.0.1',
])("'%s' may be another one", (host) => {
  expect(isLoopback(host)).toBe(false)
})
