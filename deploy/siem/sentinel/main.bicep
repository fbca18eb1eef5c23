// Claude audit events in Microsoft Sentinel, delivered by Ledgerline

@description('Name of the Log Analytics workspace that Sentinel is on')
param workspaceName string

@description('Region of the workspace')
param location string = resourceGroup().location

@description('Object id of the service principal (not of the app) that Ledgerline sends as')
param senderObjectId string

@description('Days for which events are held for queries')
param retentionInDays int = 90

@description('Days for which events are held in all')
param totalRetentionInDays int = 365

resource workspace 'Microsoft.OperationalInsights/workspaces@2022-10-01' existing = {
  name: workspaceName
}

resource table 'Microsoft.OperationalInsights/workspaces/tables@2022-10-01' = {
  parent: workspace
  name: 'ClaudeAuditLogs_CL'
  properties: {
    plan: 'Analytics'
    retentionInDays: retentionInDays
    totalRetentionInDays: totalRetentionInDays
    schema: {
      name: 'ClaudeAuditLogs_CL'
      columns: [
        {
          name: 'TimeGenerated'
          type: 'datetime'
        }
        {
          name: 'EventId'
          type: 'string'
        }
        {
          name: 'EventTime'
          type: 'datetime'
        }
        {
          name: 'EventType'
          type: 'string'
        }
        {
          name: 'EventCategory'
          type: 'string'
        }
        {
          name: 'EventVerb'
          type: 'string'
        }
        {
          name: 'EventOutcome'
          type: 'string'
        }
        {
          name: 'EventSeverity'
          type: 'string'
        }
        {
          name: 'EventSource'
          type: 'string'
        }
        {
          name: 'MappingVersion'
          type: 'string'
        }
        {
          name: 'OrganizationId'
          type: 'string'
        }
        {
          name: 'ActorType'
          type: 'string'
        }
        {
          name: 'ActorId'
          type: 'string'
        }
        {
          name: 'ActorEmail'
          type: 'string'
        }
        {
          name: 'ClientIp'
          type: 'string'
        }
        {
          name: 'UserAgent'
          type: 'string'
        }
        {
          name: 'ObjectType'
          type: 'string'
        }
        {
          name: 'ObjectId'
          type: 'string'
        }
        {
          name: 'ObjectName'
          type: 'string'
        }
        {
          name: 'TargetUserId'
          type: 'string'
        }
        {
          name: 'TargetUserEmail'
          type: 'string'
        }
        {
          name: 'GroupId'
          type: 'string'
        }
        {
          name: 'AsimSchema'
          type: 'string'
        }
        {
          name: 'AsimEventType'
          type: 'string'
        }
        {
          name: 'AsimEventResult'
          type: 'string'
        }
        {
          name: 'AsimEventSeverity'
          type: 'string'
        }
        {
          name: 'AsimObjectType'
          type: 'string'
        }
        {
          name: 'UnknownEvent'
          type: 'boolean'
        }
        {
          name: 'UnknownFields'
          type: 'dynamic'
        }
        {
          name: 'RecordVersion'
          type: 'int'
        }
        {
          name: 'RecordFold'
          type: 'string'
        }
        {
          name: 'CommitSeq'
          type: 'long'
        }
        {
          name: 'AlertRuleId'
          type: 'string'
        }
        {
          name: 'AlertTitle'
          type: 'string'
        }
        {
          name: 'AlertEventIds'
          type: 'dynamic'
        }
        {
          name: 'RawEvent'
          type: 'dynamic'
        }
      ]
    }
  }
}

resource endpoint 'Microsoft.Insights/dataCollectionEndpoints@2023-03-11' = {
  name: 'dce-claude-audit'
  location: location
  properties: {
    networkAcls: {
      publicNetworkAccess: 'Enabled'
    }
  }
}

resource rule 'Microsoft.Insights/dataCollectionRules@2023-03-11' = {
  name: 'dcr-claude-audit'
  location: location
  kind: 'Direct'
  dependsOn: [
    table
  ]
  properties: {
    dataCollectionEndpointId: endpoint.id
    streamDeclarations: {
      'Custom-ClaudeAuditLogs_CL': {
        columns: [
          {
            name: 'TimeGenerated'
            type: 'datetime'
          }
          {
            name: 'EventId'
            type: 'string'
          }
          {
            name: 'EventTime'
            type: 'datetime'
          }
          {
            name: 'EventType'
            type: 'string'
          }
          {
            name: 'EventCategory'
            type: 'string'
          }
          {
            name: 'EventVerb'
            type: 'string'
          }
          {
            name: 'EventOutcome'
            type: 'string'
          }
          {
            name: 'EventSeverity'
            type: 'string'
          }
          {
            name: 'EventSource'
            type: 'string'
          }
          {
            name: 'MappingVersion'
            type: 'string'
          }
          {
            name: 'OrganizationId'
            type: 'string'
          }
          {
            name: 'ActorType'
            type: 'string'
          }
          {
            name: 'ActorId'
            type: 'string'
          }
          {
            name: 'ActorEmail'
            type: 'string'
          }
          {
            name: 'ClientIp'
            type: 'string'
          }
          {
            name: 'UserAgent'
            type: 'string'
          }
          {
            name: 'ObjectType'
            type: 'string'
          }
          {
            name: 'ObjectId'
            type: 'string'
          }
          {
            name: 'ObjectName'
            type: 'string'
          }
          {
            name: 'TargetUserId'
            type: 'string'
          }
          {
            name: 'TargetUserEmail'
            type: 'string'
          }
          {
            name: 'GroupId'
            type: 'string'
          }
          {
            name: 'AsimSchema'
            type: 'string'
          }
          {
            name: 'AsimEventType'
            type: 'string'
          }
          {
            name: 'AsimEventResult'
            type: 'string'
          }
          {
            name: 'AsimEventSeverity'
            type: 'string'
          }
          {
            name: 'AsimObjectType'
            type: 'string'
          }
          {
            name: 'UnknownEvent'
            type: 'boolean'
          }
          {
            name: 'UnknownFields'
            type: 'dynamic'
          }
          {
            name: 'RecordVersion'
            type: 'int'
          }
          {
            name: 'RecordFold'
            type: 'string'
          }
          {
            name: 'CommitSeq'
            type: 'long'
          }
          {
            name: 'AlertRuleId'
            type: 'string'
          }
          {
            name: 'AlertTitle'
            type: 'string'
          }
          {
            name: 'AlertEventIds'
            type: 'dynamic'
          }
          {
            name: 'RawEvent'
            type: 'dynamic'
          }
        ]
      }
    }
    destinations: {
      logAnalytics: [
        {
          workspaceResourceId: workspace.id
          name: 'workspace'
        }
      ]
    }
    dataFlows: [
      {
        streams: [
          'Custom-ClaudeAuditLogs_CL'
        ]
        destinations: [
          'workspace'
        ]
        transformKql: 'source | extend TimeGenerated = iff(isnull(TimeGenerated), now(), TimeGenerated)'
        outputStream: 'Custom-ClaudeAuditLogs_CL'
      }
    ]
  }
}

resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, 'dcr-claude-audit', senderObjectId)
  scope: rule
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '3913510d-42f4-4e42-8a64-420c390055eb')
    principalId: senderObjectId
    principalType: 'ServicePrincipal'
  }
}

resource workbook 'Microsoft.Insights/workbooks@2022-04-01' = {
  name: guid(resourceGroup().id, 'claude-audit-workbook')
  location: location
  kind: 'shared'
  properties: {
    displayName: 'Claude audit'
    category: 'sentinel'
    sourceId: workspace.id
    serializedData: loadTextContent('workbook.json')
  }
}

output endpoint string = endpoint.properties.logsIngestion.endpoint
output dcrId string = rule.properties.immutableId
output stream string = 'Custom-ClaudeAuditLogs_CL'
