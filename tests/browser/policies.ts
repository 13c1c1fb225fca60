// Policies for tests of the trust policy page, and functions that paste them.

import type { Page } from '@playwright/test'
import { expect } from './product'

export const roleName = 'lake-writer'
/** The account that the server plays. */
export const role = `arn:aws:iam::123456789012:role/${roleName}`
export const catalog =
  'arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL'
export const segment =
  'arn:aws:iam::595280932656:role/segment-storage-destinations-production-access'
export const credentialId = '7c0d9e52-41b8-4f0e-9a63-2b5f8d1e6c07'
export const workspaceId = 'hV3kTq8mXw2LrZ7pNcB4yd'

/** Databricks' two statements, as its guide lays them out. */
export function databricks(id = credentialId): string {
  return `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "UnityCatalogAssumeRole",
      "Effect": "Allow",
      "Principal": { "AWS": "${catalog}" },
      "Action": "sts:AssumeRole",
      "Condition": { "StringEquals": { "sts:ExternalID": "${id}" } }
    },
    {
      "Sid": "ExplicitSelfRoleAssumption",
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::123456789012:root" },
      "Action": "sts:AssumeRole",
      "Condition": {
        "ArnLike": { "aws:PrincipalArn": "${role}" },
        "StringEquals": { "sts:ExternalId": "${id}" }
      }
    }
  ]
}
`
}

/** The same after somebody else let one more caller in. */
export const meanwhile = databricks().replace(
  `"AWS": "${catalog}"`,
  `"AWS": ["${catalog}", "arn:aws:iam::123456789012:user/admin"]`,
)

/** One statement for everyone, as Segment's guide has it. */
export const guide = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "AWS": [
          "${catalog}",
          "${segment}",
          "${role}"
        ]
      },
      "Action": "sts:AssumeRole",
      "Condition": { "StringEquals": { "sts:ExternalId": ["${credentialId}", "${workspaceId}"] } }
    }
  ]
}
`

/** Everything that the lints warn of, and more callers than are needed. */
export const worst = `{
  "Version": "2008-10-17",
  "Statement": [
    {
      "Sid": "Everyone",
      "Effect": "Allow",
      "Principal": { "AWS": "*" },
      "Action": "sts:AssumeRole"
    },
    {
      "Sid": "Vendor",
      "Effect": "Allow",
      "Principal": { "AWS": ["arn:aws:iam::595280932656:root", "arn:aws:iam::210987654321:user/etl"] },
      "Action": ["sts:AssumeRole", "sts:TagSession"],
      "Condition": {
        "StringLike": { "sts:ExternalId": "*" },
        "BoolIfExists": { "aws:MultiFactorAuthPresent": "true" }
      }
    },
    {
      "Effect": "Deny",
      "Principal": { "AWS": "${segment}" },
      "Action": "sts:*",
      "Condition": { "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } }
    },
    {
      "Effect": "Allow",
      "Principal": { "Service": "ec2.amazonaws.com" },
      "Action": "sts:AssumeRole"
    }
  ]
}
`

/** Callers and ids that only patterns name. */
export const patterns = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": { "AWS": "arn:aws:iam::210987654321:root" },
      "Action": "sts:AssumeRole",
      "Condition": {
        "StringLike": { "sts:ExternalId": "crm-*" },
        "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::210987654321:role/team-*" }
      }
    }
  ]
}
`

/** Pastes a policy on the empty page, and waits until it was looked at. */
export async function paste(page: Page, text: string, role = ''): Promise<void> {
  await page.getByLabel('Trust policy, as JSON').fill(text)
  await page.getByLabel('The role’s ARN, if you know it').fill(role)
  await page.getByRole('button', { name: 'Look at it' }).click()
  await expect(page.getByRole('heading', { name: /^(Findings|Problems)$/ })).toBeVisible()
}

/** The draft as it is edited. */
export const editor = (page: Page) => page.getByRole('textbox', { name: 'Draft of the policy' })

/** Replaces the whole draft by what the clipboard would hold. */
export async function pasteOver(page: Page, text: string): Promise<void> {
  await editor(page).click()
  await page.keyboard.press('Control+a')
  await editor(page).evaluate((element, text) => {
    const clipboardData = new DataTransfer()
    clipboardData.setData('text/plain', text)
    element.dispatchEvent(
      new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }),
    )
  }, text)
}
