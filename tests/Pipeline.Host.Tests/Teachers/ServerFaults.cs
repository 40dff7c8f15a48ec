using System.Text.Json.Nodes;
using Pipeline.Stages.Teacher.Server;

namespace Pipeline.Host.Tests.Teachers;

/// <summary>Answers of every kind of server with one thing wrong in them.</summary>
internal static class ServerFaults
{
    /// <summary>The kind of server, the fault, and what the error must say.</summary>
    public static TheoryData<ServerKind, string, string> All
    {
        get
        {
            var all = new TheoryData<ServerKind, string, string>();
            foreach (ServerKind server in Enum.GetValues<ServerKind>())
            {
                foreach ((string fault, string says) in new[]
                {
                    ("text for a number", "expected"), ("positive", "at most 0"), ("infinite", "finite"), ("NaN", "not JSON"), ("a page", "not JSON"), ("nothing", "the answer has no"),
                    ("first known", "expected null"), ("one position less", " for "), ("one position more", " for "), ("shifted", "was sent"), ("too much", "sum to"), ("null", "has no"),
                })
                {
                    all.Add(server, fault, says);
                }
            }
            all.Add(ServerKind.Vllm, "other ids", "which was sent");
            all.Add(ServerKind.Sglang, "other ids", "was sent");
            all.Add(ServerKind.Completions, "other ids", "was sent");
            foreach (ServerKind server in new[] { ServerKind.Vllm, ServerKind.Completions })
            {
                all.Add(server, "another row's", "expected 0");
                all.Add(server, "two choices", "2 choices");
                all.Add(server, "another model's", "earlier answers came");
            }
            return all;
        }
    }

    /// <summary>Has a server answer so from a request on.</summary>
    public static void Plant(FakeServer server, ServerKind kind, string fault, int from = 0)
    {
        server.Text = (number, text) => number < from ? text : fault switch
        {
            "NaN" => text[..text.IndexOf('-')] + "NaN" + text[(text.IndexOf('-') + 4)..],
            "infinite" => text[..text.IndexOf('-')] + "-1e999" + text[(text.IndexOf('-') + Number(text))..],
            "a page" => "<html><body>502 Bad Gateway</body></html>",
            "half" => null,
            _ => text,
        };
        server.Change = (number, _, answer) => number < from ? answer : Broken(kind, fault, answer, number);
    }

    private static int Number(string text)
    {
        int at = text.IndexOf('-'), length = 1;
        while (char.IsAsciiDigit(text[at + length]) || text[at + length] is '.' or 'E' or 'e' or '-' or '+')
            length++;
        return length;
    }

    private static JsonObject? Broken(ServerKind kind, string fault, JsonObject answer, int number)
    {
        if (fault == "null")
            return null;
        if (fault == "nothing")
            return [];
        if (answer["choices"] is JsonArray choices)
        {
            if (fault == "another row's")
                choices[0]!["index"] = 1;
            if (fault == "two choices")
                choices.Insert(0, choices[0]!.DeepClone());
            if (fault == "another model's" && number % 2 == 1)
                answer["model"] = "other";
        }
        if (kind == ServerKind.Vllm)
            Vllm(answer["choices"]![0]!["prompt_logprobs"]!.AsArray(), fault);
        else if (kind == ServerKind.Sglang)
            Sglang(answer["meta_info"]!["input_token_logprobs"]!.AsArray(), answer["meta_info"]!["input_top_logprobs"]!.AsArray(), fault);
        else
            Echo(answer["choices"]![0]!["logprobs"]!.AsObject(), fault);
        return answer;
    }

    private static void Vllm(JsonArray positions, string fault)
    {
        JsonObject last = positions[^1]!.AsObject();
        switch (fault)
        {
            case "text for a number":
                last[last.First().Key]!["logprob"] = "-1";
                break;
            case "positive":
                last[last.First().Key]!["logprob"] = 0.5;
                break;
            case "first known":
                positions[0] = last.DeepClone();
                break;
            case "one position less":
                positions.RemoveAt(positions.Count - 1);
                break;
            case "one position more":
                positions.Add(last.DeepClone());
                break;
            case "shifted":
                Shift(positions);
                break;
            case "too much":
                foreach (KeyValuePair<string, JsonNode?> token in last)
                    token.Value!["logprob"] = -0.1;
                break;
            case "other ids":
                positions[1] = new JsonObject(positions[1]!.AsObject().Select(t => KeyValuePair.Create($"{1000 + int.Parse(t.Key, null)}", t.Value?.DeepClone())));
                break;
        }
    }

    private static void Sglang(JsonArray observed, JsonArray listed, string fault)
    {
        switch (fault)
        {
            case "text for a number":
                observed[^1]![0] = "-1";
                break;
            case "positive":
                observed[^1]![0] = 0.5;
                break;
            case "first known":
                observed[0]![0] = -1;
                break;
            case "one position less":
                observed.RemoveAt(observed.Count - 1);
                listed.RemoveAt(listed.Count - 1);
                break;
            case "one position more":
                observed.Add(observed[^1]!.DeepClone());
                listed.Add(listed[^1]!.DeepClone());
                break;
            case "shifted":
                Shift(observed);
                Shift(listed);
                break;
            case "too much":
                foreach (JsonNode? token in listed[^1]!.AsArray())
                    token![0] = -0.1;
                break;
            case "other ids":
                observed[1]![1] = 1000;
                break;
        }
    }

    private static void Echo(JsonObject lists, string fault)
    {
        JsonArray tokens = lists["tokens"]!.AsArray(), values = lists["token_logprobs"]!.AsArray(), listed = lists["top_logprobs"]!.AsArray();
        switch (fault)
        {
            case "text for a number":
                values[1] = "-1";
                break;
            case "positive":
                values[1] = 0.5;
                break;
            case "first known":
                values[0] = -1;
                break;
            // One is generated, and may be missing: two are not.
            case "one position less":
                foreach (JsonArray list in new[] { tokens, values, listed })
                {
                    list.RemoveAt(list.Count - 1);
                    list.RemoveAt(list.Count - 1);
                }
                break;
            case "one position more":
                foreach (JsonArray list in new[] { tokens, values, listed })
                    list.Add(list[^1]!.DeepClone());
                break;
            case "shifted":
                foreach (JsonArray list in new[] { tokens, values, listed })
                    Shift(list);
                break;
            case "too much":
                foreach (string name in listed[1]!.AsObject().Select(t => t.Key).ToArray())
                    listed[1]![name] = -0.1;
                break;
            case "other ids":
                tokens[1] = "other";
                break;
        }
    }

    // Every position but the first says what the one behind it should.
    private static void Shift(JsonArray positions)
    {
        JsonNode? first = positions[1];
        positions.RemoveAt(1);
        positions.Add(first);
    }
}
