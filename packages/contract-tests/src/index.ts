/**
 * The contract suite that certifies any Busbar driver: what it claims works, what it does not claim is refused.
 * Runner and harness are injected; nothing can be overridden, and a case that could not be examined is never counted as passed.
 */
export { describeDriverContract, applies, whyNotExamined, type ContractOptions, type KnownGap } from './describe-driver-contract.ts'
export { allCases } from './all-cases.ts'
export { caseIds, type CaseId } from './case-ids.ts'
export type { ContractCase } from './case.ts'
export type { CaseOutcome, CaseResult, Certificate } from './certificate.ts'
export { capabilityKeys } from './capabilities/claims.ts'
export { kinds, type Bounds, type Faults, type ForeignMessage, type Harness, type Kind } from './harness.ts'
export { claimsOf } from './kit/claims.ts'
export { ContractViolation, NotApplicable, NotExamined } from './kit/assert.ts'
export { runCase } from './run-case.ts'
export type { Runner } from './runner.ts'
