//! The group `subagents`.

use super::answer::Told;

/// ann's session calls the subagent e1 (Explore), which calls p1 (Plan); then r1 (review) with the tool's old name, which fails. bob refuses one.
const STORY: &str = r#"
18T23:59:59.999 s1 ann tool_result  tool_name=Agent  success=true  tool_parameters={"subagent_type":"Explore"}
# Haiku's list price for 1000 in and 100 out is 1000 * 1 + 100 * 5 = 1500 millionths; sonnet's 3000 + 1500 = 4500.
09:00:00 s1 ann api_request  model=claude-sonnet-4-5  cost_usd=5  input_tokens=1000  output_tokens=100
09:00:10 s1 ann api_request  model=claude-haiku-4-5  cost_usd=1  input_tokens=1000  output_tokens=100  agent_id=e1  agent.name=Explore
09:00:20 s1 ann api_request  model=claude-sonnet-4-5  cost_usd=2  input_tokens=1000  output_tokens=100  agent_id=p1  agent.name=Plan
09:00:40 s1 ann api_request  model=claude-haiku-4-5  cost_usd=1  input_tokens=1000  output_tokens=100  agent_id=e1  agent.name=Explore
09:00:30 s1 ann subagent_completed  agent_type=Plan  model=claude-sonnet-4-5  total_tool_uses=3  total_tokens=1100  duration_ms=10000
09:00:30.001 s1 ann tool_result  tool_name=Agent  success=true  duration_ms=10000  tool_use_id=c2  tool_parameters={"subagent_type":"Plan"}
09:00:50 s1 ann subagent_completed  agent_type=Explore  model=claude-haiku-4-5  total_tool_uses=5  total_tokens=1100  duration_ms=40000
09:00:50.001 s1 ann tool_decision  tool_name=Agent  decision=accept  source=config  tool_use_id=c1  tool_parameters={"subagent_type":"Explore"}
09:00:51 s1 ann tool_result  tool_name=Agent  success=true  duration_ms=41000  tool_use_id=c1  tool_parameters={"subagent_type":"Explore"}
09:01:00 s1 ann tool_result  tool_name=Task  success=false  duration_ms=1000  tool_use_id=c3  tool_input={"subagent_type":"review","description":"look it over"}  error=no such agent
10:00:00 s2 bob tool_decision  tool_name=Agent  decision=reject  source=user_reject  tool_use_id=c4  tool_parameters={"subagent_type":"Explore"}
20T00:00:00 s1 ann tool_result  tool_name=Agent  success=true  tool_parameters={"subagent_type":"Explore"}
# The spans tell who called whom: the session's call of Agent is k1, and below it are e1's; e1's own call, k2, has p1's below its execution.
09:00:05 s1 ann ~claude_code.tool  span=k1  ms=45000  tool_name=Agent  tool_use_id=c1
09:00:10 s1 ann ~claude_code.llm_request  span=q1  parent=k1  ms=2000  agent_id=e1
09:00:15 s1 ann ~claude_code.tool  span=k2  parent=k1  ms=15000  tool_name=Agent  agent_id=e1  tool_use_id=c2
09:00:16 s1 ann ~claude_code.tool.execution  span=x2  parent=k2  ms=14000
09:00:20 s1 ann ~claude_code.llm_request  span=q2  parent=x2  ms=2000  agent_id=p1
"#;

#[tokio::test]
async fn subagent_queries_say_who_was_called_and_what_came_of_it() {
    let mut told = Told::new("subagents", STORY).await;
    told.says(("subagent_types", ""), "
        type     calls  total_calls  share     completed  tool_uses  avg_tool_uses  avg_ms  models               sessions  users
        Explore  1      3            0.333333  1          5          5              40000   [claude-haiku-4-5]   1         1
        Plan     1      3            0.333333  1          3          3              10000   [claude-sonnet-4-5]  1         1
        review   1      3            0.333333  0          0          null           null    []                   1         1
    ").await;
    told.says(
        ("subagent_success", ""),
        "
        type     calls  ok  failed  success_rate  rejected  avg_ms  rating
        Explore  1      1   0       1             1         41000   good
        Plan     1      1   0       1             0         10000   good
        review   1      0   1       0             0         1000    poor
    ",
    )
    .await;
    told.says(("subagents_per_session", ""), "
        session  user  project  subagents  failed  rejected  types                        completed  tool_uses  avg_ms  first_call                last_call
        s1       ann   granary  3          1       0         {Explore:1,Plan:1,review:1}  2          8          25000   2026-11-19T09:00:30.000Z  2026-11-19T09:01:00.000Z
        s2       bob   granary  0          0       1         {}                           0          0          null    2026-11-19T10:00:00.000Z  2026-11-19T10:00:00.000Z
    ").await;
    told.says(("subagent_errors", ""), "
        time                      session  user  type    description   error          duration_ms  caller  tool_use
        2026-11-19T09:01:00.000Z  s1       ann   review  look it over  no such agent  1000         ''      c3
    ").await;
    told.says(
        ("subagent_depth", ""),
        "
        session  user  subagents  max_depth  by_depth
        s1       ann   2          2          [1,1]
    ",
    )
    .await;
    told.says(("subagent_cost", ""), "
        session  user  agent  type     parent  requests  cost  cost_list  output_tokens  descendants  total_cost  total_cost_list  start                     end
        s1       ann   e1     Explore  ''      2         2     0.003      200            1            4           0.0075           2026-11-19T09:00:10.000Z  2026-11-19T09:00:40.000Z
        s1       ann   p1     Plan     e1      1         2     0.0045     100            0            2           0.0045           2026-11-19T09:00:20.000Z  2026-11-19T09:00:20.000Z
    ").await;
    told.says(
        ("subagent_cost", "user=bob"),
        "
        session
    ",
    )
    .await;
    told.end();
}
