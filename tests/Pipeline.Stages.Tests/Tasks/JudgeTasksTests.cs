using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tasks;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Tasks;

/// <summary>What models answer, against plain loops over their own logits.</summary>
[Collection(TorchCollection.Name)]
public sealed class JudgeTasksTests : IDisposable
{
    private const int End = 257;

    private readonly TaskRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task Likelihoods_of_choices_and_continuations_are_those_of_loops_over_logits()
    {
        List<TaskQuestion> questions = await _run.ReadAsync(TaskRun.Mini("arc_easy"), TaskRun.Mini("hellaswag"), TaskRun.Mini("truthfulqa_mc2"), TaskRun.Mini("gsm8k_solutions"));
        TaskReport report = await _run.JudgeAsync(questions, TaskRun.Options with { Models = [new() { Model = "run:a" }, new() { Model = "run:b" }], Reference = "a" });

        Assert.Equal(["arc_easy", "hellaswag", "truthfulqa_mc2", "gsm8k_solutions"], report.Tasks.Select(t => t.Name));
        await WithModelAsync("a", model =>
        {
            Dictionary<TaskQuestion, double[]> scores = questions.ToDictionary(q => q, q => q.Continuations.Select(c => Sum(model, q.Prompt, c)).ToArray());
            double Right(TaskQuestion question, Func<string, int> length)
            {
                double[] each = [.. scores[question].Select((s, i) => s / length(question.Continuations[i][1..]))];
                return question.Choice!.AreTrue[Array.IndexOf(each, each.Max())] ? 1 : 0;
            }
            foreach (string task in (string[])["arc_easy", "hellaswag"])
            {
                TaskQuestion[] own = [.. questions.Where(q => q.Task.Name == task)];
                Assert.Equal(own.Average(q => Right(q, _ => 1)), Value(report, task, "a", "acc"), 1e-12);
                Assert.Equal(own.Average(q => Right(q, c => c.Length)), Value(report, task, "a", "acc_norm"), 1e-12);
                Assert.Equal(own.Average(q => Right(q, Encoding.UTF8.GetByteCount)), Value(report, task, "a", "acc_bytes"), 1e-12);
            }
            TaskQuestion[] truths = [.. questions.Where(q => q.Task.Name == "truthfulqa_mc2")];
            double mass = truths.Average(q => scores[q].Where((_, i) => q.Choice!.AreTrue[i]).Sum(Math.Exp) / scores[q].Sum(Math.Exp));
            Assert.Equal(mass, Value(report, "truthfulqa_mc2", "a", "acc"), 1e-4);
            TaskQuestion[] texts = [.. questions.Where(q => q.Continuation is not null)];
            double bits = -texts.Sum(q => scores[q][0]) / Math.Log(2) / texts.Sum(q => Encoding.UTF8.GetByteCount(q.Continuation!));
            Assert.Equal(bits, Value(report, "gsm8k_solutions", "a", "bits_per_byte"), 1e-4);
        });
        TaskDifference versus = report.Tasks[3].Models[1].Figures.First(f => f.Name == "bits_per_byte").Versus!;
        Assert.Equal(Value(report, "gsm8k_solutions", "b", "bits_per_byte") - Value(report, "gsm8k_solutions", "a", "bits_per_byte"), versus.Difference!.Value, 1e-12);
        Assert.Contains(_run.Run.Said, line => line.StartsWith("arc_easy: 2 questions", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("e", 40)]
    [InlineData("nothing like it", 23)]
    public async Task What_is_written_is_the_likeliest_byte_after_byte_up_to_a_stop_or_the_limit(string stop, int maxBytes)
    {
        NamedTask task = _run.With(_run.With(TaskRun.Mini("gsm8k") with { Shots = 0 }, "stop", new JsonArray(stop)), "maxBytes", maxBytes);
        List<TaskQuestion> questions = await _run.ReadAsync(task);
        await _run.JudgeAsync(questions);
        string[] written = [.. Samples("a", "gsm8k").Take(2).Select(s => (string)s["resps"]![0]![0]!)];
        await WithModelAsync("a", model =>
        {
            for (int q = 0; q < questions.Count; q++)
            {
                List<long> ids = [256, .. Encoding.UTF8.GetBytes(questions[q].Prompt).Select(b => (long)b)];
                int begins = ids.Count;
                while (ids.Count - begins < maxBytes && Likeliest(model, ids) is not End and var next)
                    ids.Add(next);
                string text = Encoding.UTF8.GetString([.. ids.Skip(begins).Where(i => i < 256).Select(i => (byte)i)]);
                int at = text.IndexOf(stop, StringComparison.Ordinal);
                string expected = at < 0 ? text : text[..at];
                // Bytes that are no character yet count as three until they are cut.
                Assert.StartsWith(written[q], expected, StringComparison.Ordinal);
                Assert.True(at < 0 ? Encoding.UTF8.GetByteCount(expected) - Encoding.UTF8.GetByteCount(written[q]) < 4 || Encoding.UTF8.GetByteCount(expected) > maxBytes : written[q] == expected || expected.Contains('\uFFFD', StringComparison.Ordinal));
            }
        });
    }

    [Fact]
    public async Task Whole_texts_are_judged_as_evaluate_judges_them()
    {
        string[] texts = ["A text of some words, of which there are more than fit a window.", "Another, e\u0301 and short."];
        NamedTask task = _run.Task(
            "t", """{ "name": "t", "kind": "perplexity", "wording": "of the data", "data": ["t.jsonl"], "columns": { "text": "text" }, "prompt": "{text}" }""",
            [.. texts.Select(t => new JsonObject { ["text"] = t }.ToJsonString())]);
        JudgeTasksOptions options = TaskRun.Options with { Models = [new() { Model = "run:a" }, new() { Model = "run:b" }], Ensembles = [new() { Name = "both", Members = ["a", "b"], Weights = [3, 1] }], WindowBytes = 40, Stride = 9 };
        TaskReport report = await _run.JudgeAsync(await _run.ReadAsync(task), options);
        await Made.Evaluate(new() { Models = options.Models, Ensembles = options.Ensembles, WindowBytes = 40, Stride = 9, To = "text" }, _run.Run.Context())
            .RunAsync(texts.Select((t, i) => new TextDocument(new DocumentId(1, i, 0), t)).ToAsyncEnumerable(), default);
        EvaluationReport evaluated = EvaluationTable.FromJson(File.ReadAllBytes(_run.Run.PathOf("report/text.json")));
        foreach (ModelResult model in evaluated.Models)
        {
            Assert.Equal(model.BitsPerByte, Value(report, "t", model.Name, "bits_per_byte"), 1e-5);
            Assert.Equal(Math.Pow(2, model.BitsPerByte), Value(report, "t", model.Name, "byte_perplexity"), 1e-2);
            Assert.Equal(Math.Exp(model.Bits * Math.Log(2) / texts.Sum(t => t.Split(' ').Length)), Value(report, "t", model.Name, "word_perplexity"), 1e-3 * Value(report, "t", model.Name, "word_perplexity"));
        }
    }

    [Fact]
    public async Task Ensembles_of_one_tokenizer_and_of_unlike_ones_answer_as_the_mean_of_their_members()
    {
        // The same bytes under other marks: another tokenizer, and the same distributions.
        _run.Run.Storage.CreateDirectory(_run.Run.PathOf("other"));
        TextTokenizer.Bytes(["<x>", "</x>", "<y>"], "<x>", "</x>", "<y>").Save(_run.Run.PathOf("other"), _run.Run.Storage);
        NamedTask task = _run.With(TaskRun.Mini("gsm8k") with { Shots = 0 }, "maxBytes", 12);
        List<TaskQuestion> questions = await _run.ReadAsync(task, TaskRun.Mini("arc_easy"), TaskRun.Mini("gsm8k_solutions"));
        JudgeTasksOptions options = TaskRun.Options with
        {
            Models = [new() { Model = "run:a" }, new() { Model = "run:b" }, new() { Name = "c", Model = "run:b", Tokenizer = _run.Run.PathOf("other") }],
            Ensembles = [new() { Name = "like", Members = ["a", "b"] }, new() { Name = "unlike", Members = ["a", "c"] }],
        };
        TaskReport report = await _run.JudgeAsync(questions, options);

        JsonNode[] like = [.. Samples("like", "arc_easy")], unlike = [.. Samples("unlike", "arc_easy")];
        await WithModelAsync("a", a => WithModel("b", b =>
        {
            for (int i = 0; i < like.Length; i++)
            {
                TaskQuestion question = questions.Where(q => q.Task.Name == "arc_easy").ElementAt(i);
                for (int c = 0; c < question.Continuations.Count; c++)
                {
                    double Mean(bool isText) => Logs(a, question.Prompt, question.Continuations[c], isText)
                        .Zip(Logs(b, question.Prompt, question.Continuations[c], isText), (x, y) => Math.Log((Math.Exp(x) + Math.Exp(y)) / 2)).Sum();
                    Assert.Equal(Mean(isText: false), (double)like[i]["resps"]![c]![0]!, 1e-3);
                    // No text has marks, nor bytes that begin no character.
                    Assert.Equal(Mean(isText: true), (double)unlike[i]["resps"]![c]![0]!, 1e-3);
                }
            }
        }));
        Assert.All(Samples("unlike", "gsm8k"), s => Assert.InRange(Encoding.UTF8.GetByteCount((string)s["resps"]![0]![0]!), 1, 12));
        Assert.InRange(Value(report, "gsm8k_solutions", "unlike", "bits_per_byte"), 1, Value(report, "gsm8k_solutions", "like", "bits_per_byte"));
    }

    [Fact]
    public async Task A_judgement_that_was_stopped_goes_on_and_comes_to_the_same()
    {
        List<TaskQuestion> questions = await _run.ReadAsync(TaskRun.Mini("arc_easy"), TaskRun.Mini("mmlu"));
        JudgeTasksOptions options = TaskRun.Options with { Models = [new() { Model = "run:a" }, new() { Model = "run:b" }], PartQuestions = 1 };
        byte[] whole = await BytesAsync();
        string answers = _run.Run.PathOf("tasks/answers");
        Assert.Equal(8, Directory.GetFiles(answers).Length);

        Directory.Delete(_run.Run.PathOf("tasks"), recursive: true);
        await _run.JudgeAsync(questions.Take(2), options with { Models = [new() { Model = "run:a" }] });
        DateTime[] written = [.. Directory.GetFiles(answers).Order().Select(File.GetLastWriteTimeUtc)];
        string[] known = [.. Directory.GetFiles(answers).Order()];
        Assert.Equal(2, known.Length);
        InterruptedException stopped = await Assert.ThrowsAsync<InterruptedException>(() => _run.JudgeAsync(questions, options, _run.Run.Context() with { StopRequested = new CancellationToken(canceled: true) }));
        Assert.Contains("continues", stopped.Message, StringComparison.Ordinal);
        Assert.Equal(whole, await BytesAsync());
        Assert.Equal(8, Directory.GetFiles(answers).Length);
        Assert.Equal(written, known.Select(File.GetLastWriteTimeUtc));

        // Another wording is another question, and a damaged file is refused by name.
        await _run.JudgeAsync(questions.Select(q => q with { Prompt = q.Prompt + "!" }), options);
        Assert.Equal(16, Directory.GetFiles(answers).Length);
        File.AppendAllText(known[0], " ");
        Assert.Contains(known[0], (await Assert.ThrowsAsync<DamagedException>(() => _run.JudgeAsync(questions, options))).Message, StringComparison.Ordinal);

        async Task<byte[]> BytesAsync()
        {
            await _run.JudgeAsync(questions, options);
            return File.ReadAllBytes(_run.Run.PathOf("report/tasks.json"));
        }
    }

    [Fact]
    public async Task Files_are_in_the_harnesss_layout()
    {
        await _run.JudgeAsync(await _run.ReadAsync(TaskRun.Mini("gsm8k") with { Shots = 1 }, TaskRun.Mini("piqa")), TaskRun.Options with { Models = [new() { Name = "a/model", Model = "run:a" }], Resamples = 150 });
        JsonNode results = JsonNode.Parse(File.ReadAllText(_run.Run.PathOf("tasks/a__model/results.json")))!;
        Assert.Equal(
            ["alias", "exact_match,strict-match", "exact_match_stderr,strict-match", "exact_match,flexible-extract", "exact_match_stderr,flexible-extract"],
            results["results"]!["gsm8k"]!.AsObject().Select(r => r.Key));
        Assert.Equal(["alias", "acc,none", "acc_stderr,none", "acc_norm,none", "acc_norm_stderr,none", "acc_bytes,none", "acc_bytes_stderr,none"], results["results"]!["piqa"]!.AsObject().Select(r => r.Key));
        Assert.Equal((1, 0), ((int)results["n-shot"]!["gsm8k"]!, (int)results["n-shot"]!["piqa"]!));
        Assert.Equal(2, (int)results["n-samples"]!["gsm8k"]!["effective"]!);
        JsonNode[] samples = [.. Samples("a__model", "gsm8k")];
        // A line for each question and filter.
        Assert.Equal([(0, "strict-match"), (1, "strict-match"), (0, "flexible-extract"), (1, "flexible-extract")], samples.Select(s => ((int)s["doc_id"]!, (string)s["filter"]!)));
        Assert.Equal("7", (string)samples[0]["target"]!);
        Assert.EndsWith("Solution:", (string)samples[0]["arguments"]!["gen_args_0"]!["arg_0"]!, StringComparison.Ordinal);
        Assert.NotNull(samples[0]["exact_match"]);
        Assert.Equal("Ida has 3 plums and gets 4 more. How many plums has Ida?", (string)samples[0]["doc"]!["question"]!);
        Assert.Equal(" hum at it", (string)Samples("a__model", "piqa").ElementAt(1)["arguments"]!["gen_args_0"]!["arg_1"]!);
    }

    private IEnumerable<JsonNode> Samples(string model, string task) => File.ReadLines(_run.Run.PathOf($"tasks/{model}/samples_{task}.jsonl")).Select(l => JsonNode.Parse(l)!);

    private static double Value(TaskReport report, string task, string model, string figure)
        => report.Tasks.First(t => t.Name == task).Models.First(m => m.Name == model).Figures.First(f => f.Name == figure).Value!.Value;

    private Task WithModelAsync(string name, Action<CausalLm> use) => _run.Device.RunAsync(() => WithModel(name, use));

    private void WithModel(string name, Action<CausalLm> use)
    {
        using IDisposable quiet = no_grad();
        using CausalLm model = CausalLm.Load(_run.Run.PathOf(name), _run.Run.Storage, CPU, ScalarType.Float32);
        use(model);
    }

    private static double Sum(CausalLm model, string prompt, string choice) => Logs(model, prompt, choice).Sum();

    // Tokens are bytes, behind one mark: the row alone, without a batch.
    private static double[] Logs(CausalLm model, string prompt, string choice, bool isText = false)
    {
        using DisposeScope scope = NewDisposeScope();
        byte[] all = Encoding.UTF8.GetBytes(WellFormedText.Normalize(prompt + choice));
        int begins = Encoding.UTF8.GetByteCount(WellFormedText.Normalize(prompt)) + 1;
        long[] ids = [256, .. all.Select(b => (long)b)];
        Tensor log = model.Logits(model.Hidden(tensor(ids).unsqueeze(0), model.CreateAttention(1, ids.Length)))[0].narrow(1, 0, 259);
        if (isText)
            log = log.index_fill(1, tensor([256L, 258, .. Enumerable.Range(0x80, 0x42).Select(b => (long)b), .. Enumerable.Range(0xF5, 11).Select(b => (long)b)]), float.NegativeInfinity);
        log = log.log_softmax(-1);
        return [.. Enumerable.Range(begins, ids.Length - begins).Select(t => (double)log[t - 1, ids[t]].ToSingle())];
    }

    private static long Likeliest(CausalLm model, List<long> ids)
    {
        using DisposeScope scope = NewDisposeScope();
        return model.Logits(model.Hidden(tensor(ids.ToArray()).unsqueeze(0), model.CreateAttention(1, ids.Count)))[0, -1].narrow(0, 0, 259).argmax().item<long>();
    }
}
