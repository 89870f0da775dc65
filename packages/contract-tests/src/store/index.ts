/**
 * The contract suite for stores of claims (`FencedStore`): every sentence of the contract is a case.
 * Runner and harness are injected; a case that could not be examined is never counted as passed.
 */
export { describeStoreContract, runStoreCase, type StoreCaseResult, type StoreCertificate, type StoreContractOptions } from './describe-store-contract.ts'
export { allStoreCases } from './all-cases.ts'
export { storeCaseIds, type StoreCaseId } from './case-ids.ts'
export type { StoreCase } from './case.ts'
export type { StoreContext } from './context.ts'
export type { StoreBounds, StoreFaults, StoreHarness } from './harness.ts'
export type { Runner } from '../runner.ts'
