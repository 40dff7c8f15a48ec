using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.Host.Tests.Rules;

/// <summary>Rules about the files that a definition names, and about what its own flows have yet to write.</summary>
public sealed class FileRuleTests(ITestOutputHelper output) : IDisposable
{
    private readonly RuleRun _run = new();

    public void Dispose() => _run.Dispose();

    public static TheoryData<string, string> Evaluations => new()
    {
        { "{ \"model\": ‹1›\"run:studnet\" }", "'run:studnet' is not in the run folder, and no flow before this one writes it; earlier flows write: run:student, run:student-initial" },
        { "{ \"model\": ‹1›\"run:later\" }", "'run:later' is written by flow 'h', which comes after this one" },
        { "{ \"model\": ‹1›\"run:shards\" }", "'run:shards' is the shards that flow 'f' writes; expected a model" },
        { "{ \"model\": ‹1›\"NOWHERE\" }", "nowhere does not exist" },
        { "{ \"model\": ‹1›\"QUANTISED\" }", "quantization_config" },
        { "{ \"model\": ‹1›\"EMPTY\" }", "model.safetensors" },
        { "{ \"model\": ‹1›\"OTHER\" }", "the weights do not fit the config" },
        { "{ \"model\": ‹1›\"teacher\" }", "the definition has none" },
        { "{ \"model\": \"MODEL\", \"tokenizer\": ‹1›\"NOWHERE\" }", "nowhere does not exist" },
    };

    [Theory]
    [MemberData(nameof(Evaluations))]
    public Task Models_that_are_to_be_judged_must_be_there(string model, string says) => _run.RefusedAsync($$"""
        { "name": "x", "student": { "model": "{{_run.Model()}}" },
          "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize-student" }, { "stage": "write-shards", "to": "shards" } ] },
            { "name": "train", "stages": [ { "stage": "read-shards", "from": ["shards"] }, { "stage": "batch" }, { "stage": "update-student", "to": "student", "steps": 1, "objectives": { "sft": {} } } ] },
            { "name": "g", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "evaluate", "models": [ { "model": "run:student" }, { "model": "student-initial" }, {{Named(model)}} ] } ] },
            { "name": "h", "stages": [ { "stage": "read-shards", "from": ["shards"] }, { "stage": "batch" }, { "stage": "update-student", "to": "later", "steps": 1, "objectives": { "sft": {} } } ] } ] }
        """, Named(says));

    public static TheoryData<string, string, string> Students => new()
    {
        { "\"model\": \"MODEL\"", "\"freeze\": [\"model.layers.0.*\", ‹1›\"layers.1\"]", "pattern 'layers.1' matches no weight" },
        { "\"model\": \"MODEL\"", "\"freeze\": ‹1›[\"*\"]", "leaves nothing to train" },
        { "\"model\": \"MODEL\"", "\"train\": \"embeddings\", \"freeze\": ‹1›[\"model.embed_tokens.weight\", \"lm_head.weight\"]", "leaves nothing to train with train embeddings" },
        { "\"model\": \"MODEL\"", "\"train\": \"lora\", \"lora\": { \"targets\": [\"q_proj\", ‹1›\"query\"] }", "adapter target 'query' is not a projection; they are q_proj" },
        { "\"model\": ‹1›\"NOWHERE\"", "\"freeze\": []", "nowhere does not exist" },
        { "\"model\": ‹1›\"QUANTISED\"", "\"freeze\": []", "quantization_config" },
        { "\"model\": \"MODEL\", \"tokenizer\": ‹1›\"NOWHERE\"", "\"freeze\": []", "nowhere" },
        { "\"model\": \"MODEL\", \"tokenizer\": \"SUBWORD\", \"inputExpansion\": ‹1›true", "\"freeze\": []", "inputExpansion is for tokenizers of bytes" },
        { "\"model\": \"MODEL\", \"inputExpansion\": ‹1›true", "\"freeze\": []", "the student keeps its vocabulary" },
        { "\"config\": \"MODEL\", \"tokenizer\": \"bytes\", \"inputExpansion\": ‹1›true", "\"freeze\": []", "the student starts from a config" },
        { "\"model\": \"MODEL\", \"tokenizer\": \"SUBWORD\", \"embeddings\": ‹1›\"keep\"", "\"freeze\": []", "is a different tokenizer (300 tokens) from the model's (259)" },
        { "\"model\": \"MODEL\", \"tokenizer\": \"SUBWORD\", \"embeddings\": ‹1›\"omp\"", "\"freeze\": []", "needs a 'donor'" },
        { "\"model\": \"MODEL\", \"tokenizer\": \"SUBWORD\", \"embeddings\": \"focus\", \"donor\": ‹1›\"MODEL\"", "\"freeze\": []", "a donor must have the student's tokenizer" },
        { "\"model\": \"MODEL\", \"tokenizer\": \"SUBWORD\", \"embeddings\": ‹1›\"hypernetwork:NOWHERE\"", "\"freeze\": []", "is not a hypernetwork" },
        { "\"model\": \"MODEL\", \"tokenizer\": \"SUBWORD\", \"embeddings\": ‹1›\"hypernetwork:run:h\"", "\"freeze\": []", "'run:h' is not in the run folder, and no flow before this one writes it" },
        { "\"config\": ‹1›\"NOWHERE\", \"tokenizer\": \"bytes\"", "\"freeze\": []", "nowhere" },
    };

    [Theory]
    [MemberData(nameof(Students))]
    public async Task A_student_must_be_able_to_begin(string student, string training, string says)
    {
        string flows(string own) => $$"""
            "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize-student" }, { "stage": "write-shards", "to": "shards" } ] },
              { "name": "g", "stages": [ { "stage": "read-shards", "from": ["shards"] }, { "stage": "batch" },
              { "stage": "update-student", "to": "s", "steps": 1, "objectives": { "sft": {} }, {{Named(training)}}{{own}} } ] } ]
            """;
        await _run.RefusedAsync($$"""{ "name": "x", "student": { {{Named(student)}} }, {{flows("")}} }""", Named(says));
        await _run.RefusedAsync($$"""{ "name": "x", "student": { "model": "{{_run.Model()}}" }, {{flows($$""", "student": { {{Named(student)}} }""")}} }""", Named(says));
    }

    public static TheoryData<string, string> Objectives => new()
    {
        { "\"sft\": {}, \"dskd\": ‹1›{}", "'objectives.dskd' needs a teacher running alongside the student" },
        { "\"uld\": ‹1›{}", "'objectives.uld' needs a teacher running alongside the student" },
        { "\"latents\": ‹1›{}", "'objectives.latents' needs a teacher running alongside the student" },
        { "\"alm\": { \"scores\": ‹1›\"online\" }", "'objectives.alm.scores' needs a teacher running alongside the student" },
        { "\"sft\": {}, \"alm\": ‹1›{}", "has no teacher; add a teacher and score-teacher" },
    };

    [Theory]
    [MemberData(nameof(Objectives))]
    public Task Objectives_of_a_definition_without_a_teacher_need_none(string objectives, string says) => _run.RefusedAsync($$"""
        { "name": "x", "student": { "model": "{{_run.Model()}}" },
          "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize-student" }, { "stage": "write-shards", "to": "shards" } ] },
            { "name": "g", "stages": [ { "stage": "read-shards", "from": ["run:shards"] }, { "stage": "batch" }, { "stage": "update-student", "to": "s", "steps": 1, "objectives": { {{objectives}} } } ] } ] }
        """, says);

    [Fact]
    public async Task Shards_that_do_not_know_their_masses_are_refused_where_they_are_needed()
    {
        File.WriteAllLines(_run["table"], Enumerable.Range(0, 271).Select(id => $"{id} 0.5 2 1.5"));
        string scored = await ScoredAsync($$"""{ "backend": "table", "model": "{{_run["table"]}}", "tokenizer": "{{_run.Model()}}", "boundary": "none" }""");
        string train(string from, string alm) => $$"""
            { "name": "x", "student": { "model": "{{_run.Model()}}" }, "flows": [ { "name": "f", "stages": [ { "stage": "read-shards", "from": [{{from}}] }, { "stage": "batch" },
              { "stage": "update-student", "to": "s", "steps": 1, "objectives": { "alm": {{alm}} } } ] } ] }
            """;
        await _run.RefusedAsync(train($"‹1›\"{scored}\"", """{ "gamma": null }"""), "was scored without known boundary masses, which 'update-student.objectives.alm.boundary' needs");
        await _run.WarnedAsync(train($"\"{scored}\"", """{ "gamma": null, "boundary": "none" }"""));
    }

    [Theory]
    [InlineData("\"hiddenLayers\": [0, ‹1›3]", "'hiddenLayers' has 3; expected 0 (the embedding output) to 2")]
    [InlineData("\"hiddenLayers\": [‹1›-4]", "from the end -1 to -3")]
    public Task Hidden_states_are_of_layers_that_the_teacher_has(string options, string says) => _run.RefusedAsync(Scoring(options: options), says);

    [Fact]
    public Task A_teacher_and_its_tokenizer_must_be_there()
        => _run.RefusedAsync(Scoring(teacher: $$"""{ "model": ‹1›"{{_run["nowhere"]}}", "tokenizer": ‹2›"{{_run["no-tokenizer"]}}" }"""), ["nowhere does not exist", "no-tokenizer does not exist"]);

    [Theory]
    [InlineData("from", "‹1›\"nowhere\"", "does not exist, and no flow of this definition writes 'nowhere'")]
    [InlineData("from", "‹1›\"run:nowhere\"", "'run:nowhere' is not in the run folder, and no flow before this one writes it")]
    [InlineData("from", "‹1›\"EMPTY\"", "holds no shards")]
    [InlineData("to", "‹1›\"later\"", "'run:later' is written by flow 'g', which comes after this one")]
    public Task Shards_must_be_there_or_be_written_before(string what, string from, string says) => _run.RefusedAsync($$"""
        { "name": "x", "student": { "model": "{{_run.Model()}}" },
          "flows": [ { "name": "f", "stages": [ { "stage": "read-shards", "from": [{{Named(from)}}] }, { "stage": "batch" }, { "stage": "update-student", "to": "s", "steps": 1, "objectives": { "sft": {} } } ] },
            { "name": "g", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize-student" }, { "stage": "write-shards", "to": "{{(what == "to" ? "later" : "other")}}" } ] } ] }
        """, says);

    [Fact]
    public async Task Shards_of_another_tokenizer_are_refused()
    {
        string scored = await ScoredAsync($$"""{ "model": "{{_run.Model()}}" }""");
        await _run.RefusedAsync($$"""
            { "name": "x", "student": { "model": "{{_run.Model()}}", "tokenizer": "{{Subword()}}" }, "flows": [ { "name": "f", "stages": [ { "stage": "read-shards", "from": [‹1›"{{scored}}"] }, { "stage": "batch" },
              { "stage": "update-student", "to": "s", "steps": 1, "objectives": { "sft": {} } } ] } ] }
            """, "student tokenizer is '");
    }

    [Fact]
    public async Task A_model_that_an_earlier_flow_trains_is_known_by_what_it_begins_as()
    {
        string flows(string second) => $$"""
            { "name": "x", "student": { "model": "{{_run.Model()}}", "tokenizer": "{{Subword()}}" },
              "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize-student" }, { "stage": "write-shards", "to": "shards" } ] },
                { "name": "g", "stages": [ { "stage": "read-shards", "from": ["shards"] }, { "stage": "batch" }, { "stage": "update-student", "to": "first", "steps": 1, "objectives": { "sft": {} } } ] },
                { "name": "h", "stages": [ { "stage": "read-shards", "from": ["shards"] }, { "stage": "batch" }, { "stage": "update-student", "to": "second", "steps": 1, "objectives": { "sft": {} }, {{second}} } ] } ] }
            """;
        await _run.WarnedAsync(flows("""  "student": { "model": "run:first", "embeddings": "keep" }  """));
        await _run.RefusedAsync(flows($$"""  "student": { "model": "run:first", "tokenizer": "{{_run.Model()}}", "embeddings": ‹1›"keep" }  """), "is a different tokenizer (259 tokens) from the model's (300)");
        await _run.RefusedAsync(flows("""  "student": { "model": "run:first" }, "freeze": [‹1›"model.layers.7.*"]  """), "matches no weight");
    }

    [Fact]
    public async Task What_is_allowed_and_seldom_meant_is_a_warning()
    {
        string adapted = ByteModel.Save(_run["adapted"], 4);
        File.WriteAllText(Path.Combine(adapted, "adapter_config.json"), "{}");
        string printed = await _run.WarnedAsync($$"""
            { "name": "x", "student": { "model": ‹1›"{{adapted}}" }, "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize-student" }, { "stage": "write-shards", "to": "shards" } ] },
              { "name": "g", "stages": [ { "stage": "read-shards", "from": ["shards"] }, { "stage": "batch" }, { "stage": "update-student", "to": "s", "steps": 2, "warmupSteps": ‹2›5, "objectives": { "sft": {} } } ] } ] }
            """, "next to its weights. Only the weights are read", "'warmupSteps' is 5 and 'steps' is 2");
        Assert.Contains("no errors, 2 warnings;", printed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_input_file_that_cannot_be_read_is_named_before_any_work()
    {
        if (SharedFolder.Below("cases", output) is not { } cases)
            return;
        foreach (string folder in Directory.GetDirectories(cases, "F07-*"))
        {
            string readme = await File.ReadAllTextAsync(Path.Combine(folder, "README.md"));
            string definition = await File.ReadAllTextAsync(Path.Combine(folder, "d.json"));
            foreach (string file in Directory.GetFiles(folder, "*.parquet").Append(Path.Combine(folder, "nomatch*.parquet")))
            {
                Assert.Contains(Path.GetFileName(file), readme, StringComparison.Ordinal);
                (string path, string run, _) = _run.Place(definition);
                AlmAnswer check = await RuleRun.AskAsync("check", path, "--run", run, "--set", $"flows.f.read-parquet.files=[\"{file}\"]");
                // A codec and an encoding that are read by now are right as well; what is refused is refused before any work.
                AlmAnswer ran = await RuleRun.AskAsync("run", path, "--run", run, "--plain", "--set", $"flows.f.read-parquet.files=[\"{file}\"]");
                Assert.Equal(check.Code, ran.Code);
                if (check.Code == ExitCodes.Success)
                    continue;
                Assert.Equal(ExitCodes.Input, check.Code);
                Assert.Equal("", check.Output);
                Assert.Contains(Path.GetFileName(file), check.Error, StringComparison.Ordinal);
                Assert.False(Directory.Exists(run));
            }
            foreach ((string name, string says) in ((string, string)[])[("msg", "has no column 'text'"), ("binary", "is binary"), ("nomatch*", "no file matches")])
            {
                (string path, string run, _) = _run.Place(definition.Replace("\"x.parquet\"", $"\"{Path.Combine(folder, name + ".parquet")}\"", StringComparison.Ordinal));
                string error = (await RuleRun.AskAsync("check", path, "--run", run)).Error;
                Assert.StartsWith(path + ":11:7: flow 'f', stage 'read-parquet': 'files'", error, StringComparison.Ordinal);
                Assert.Contains(says, error, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public Task Files_that_are_not_there_not_text_or_named_twice_come_all_at_once()
    {
        string array = _run.Write("array.jsonl", "[1, 2]\n");
        return _run.RefusedAsync($$"""
            { "name": "x", "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": [‹1›"{{_run["none.jsonl"]}}", "{{Text()}}", ‹2›"{{Text()}}", ‹3›"{{array}}", ‹4›"run:made/*.jsonl", ‹5›"{{_run["*.nothing"]}}"] },
              { "stage": "write-parquet", "to": "out" } ] } ] }
            """, ["does not exist", "is named twice", "array.jsonl", "'run:made/*.jsonl' is not in the run folder", "no file matches"]);
    }

    [Fact]
    public async Task A_flow_that_is_done_needs_nothing_of_what_it_was_made_from()
    {
        string text = _run.Write("gone.jsonl", "{\"text\": \"one\"}\n");
        (string file, string run, _) = _run.Place($$"""{ "name": "x", "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{text}}"] }, { "stage": "write-parquet", "to": "out" } ] } ] }""");
        Assert.Equal(0, (await RuleRun.AskAsync("run", file, "--run", run, "--plain")).Code);
        File.Delete(text);
        Assert.Equal(0, (await RuleRun.AskAsync("run", file, "--run", run, "--plain")).Code);
        Assert.Equal(0, (await RuleRun.AskAsync("check", file, "--run", run)).Code);
        Assert.Equal(ExitCodes.Input, (await RuleRun.AskAsync("check", file, "--run", run + "-other")).Code);
    }

    private string Text() => _run.Write("text.jsonl", "{\"text\": \"one two three\"}\n{\"text\": \"four five\"}\n");

    private string Named(string text)
    {
        string With(string part, string word, Func<string> value) => part.Contains(word, StringComparison.Ordinal) ? part.Replace(word, value(), StringComparison.Ordinal) : part;
        text = With(text, "NOWHERE", () => _run["nowhere"]);
        text = With(text, "QUANTISED", Quantised);
        text = With(text, "EMPTY", () => Directory.CreateDirectory(_run["empty"]) is var empty ? WithConfig(empty.FullName) : "");
        text = With(text, "OTHER", () => Changed("other", json => json["intermediate_size"] = 24));
        text = With(text, "SUBWORD", Subword);
        return With(text, "MODEL", () => _run.Model());
    }

    private string WithConfig(string folder)
    {
        File.Copy(Path.Combine(_run.Model(), "config.json"), Path.Combine(folder, "config.json"), overwrite: true);
        return folder;
    }

    private string Quantised() => Changed("quantised", json => json["quantization_config"] = new JsonObject { ["quant_method"] = "gptq", ["bits"] = 4 });

    private string Changed(string name, Action<JsonObject> change)
    {
        string folder = _run[name];
        if (Directory.Exists(folder))
            return folder;
        ByteModel.Save(folder, 5);
        string path = Path.Combine(folder, "config.json");
        JsonObject json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(json);
        File.WriteAllText(path, json.ToJsonString());
        return folder;
    }

    /// <summary>A tokenizer of 300 tokens, 41 of them longer than a byte.</summary>
    private string Subword()
    {
        if (Directory.Exists(_run["subword"]))
            return _run["subword"];
        string words = string.Join(' ', Enumerable.Range(0, 26).Select(i => $"{(char)('a' + i)}{(char)('z' - i)}{(char)('a' + i)}"));
        string text = _run.Write("words.jsonl", string.Concat(Enumerable.Repeat($"{{\"text\": \"{words}\"}}\n", 3)));
        (string file, string run, _) = _run.Place($$"""
            { "name": "x", "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{text}}"] },
              { "stage": "train-tokenizer", "to": "t", "vocabularySize": 300, "bos": "<s>", "eos": "</s>", "pad": "<pad>" } ] } ] }
            """);
        Assert.Equal(0, RuleRun.AskAsync("run", file, "--run", run, "--plain").GetAwaiter().GetResult().Code);
        Directory.Move(Path.Combine(run, "t"), _run["subword"]);
        return _run["subword"];
    }

    private string Scoring(string? teacher = null, string options = "\"window\": 4") => $$"""
        { "name": "x", "teacher": {{teacher ?? $$"""{ "model": "{{_run.Model()}}" }"""}}, "student": { "model": "{{_run.Model()}}" },
          "flows": [ { "name": "f", "stages": [ { "stage": "read-jsonl", "files": ["{{Text()}}"] }, { "stage": "tokenize" }, { "stage": "align" },
            { "stage": "score-teacher", {{options}} }, { "stage": "write-shards", "to": "shards", "count": 1 } ] } ] }
        """;

    /// <summary>Shards of a run of their own.</summary>
    private async Task<string> ScoredAsync(string teacher)
    {
        (string file, string run, _) = _run.Place(Scoring(teacher));
        AlmAnswer scored = await RuleRun.AskAsync("run", file, "--run", run, "--plain");
        Assert.True(scored.Code == 0, scored.Error);
        return Path.Combine(run, "shards");
    }
}
