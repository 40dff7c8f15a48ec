using System.Text.Json;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Tasks;
using Pipeline.Stages.Tests.Torch;

namespace Pipeline.Stages.Tests.Tasks;

/// <summary>Figures, intervals and tests from answers that are made up here.</summary>
[Collection(TorchCollection.Name)]
public sealed class TaskMetricsTests
{
    private static readonly JsonSerializerOptions Layout = new(JsonSerializerDefaults.Web);

    [Fact]
    public void Choices_are_right_by_sum_by_characters_and_by_bytes()
    {
        TaskFile task = Task("choices");
        // Two characters, of four bytes together, against three of three.
        TaskQuestion One(int right) => new(default, task, "p", "{}") { Choice = new ChoiceQuestion(default, "p", [" éé", " abc"], [right == 0, right == 1], right) };
        IReadOnlyList<TaskMetric> metrics = TaskMetrics.Of([One(0), One(1)], [new([-4.0, -5.1]), new([-4.0, -5.1])]);
        Assert.Equal(["acc,none", "acc_norm,none", "acc_bytes,none"], metrics.Select(m => m.Key));
        Assert.Equal([1.0, 0], metrics[0].Values!);
        Assert.Equal([0.0, 1], metrics[1].Values!);
        Assert.Equal([1.0, 0], metrics[2].Values!);
        // By characters -2 against -1.7; by bytes -1 against -1.7. Of equals the first is taken.
        Assert.Equal([1.0], TaskMetrics.Of([One(0)], [new([-3.0, -3.0])])[0].Values!);
        Assert.Equal([0.0], TaskMetrics.Of([One(1)], [new([-3.0, -3.0])])[0].Values!);
    }

    [Fact]
    public void Bias_is_counted_as_BBQs_authors_count_it()
    {
        TaskFile task = Task("bias");
        TaskQuestion One(bool ambiguous, int best) => new(default, task, "p", "{}")
        {
            Choice = new ChoiceQuestion(default, "p", [" a", " b", " c"], [best == 0, best == 1, best == 2], best) { Bias = new BiasQuestion(ambiguous, true, 2, 0) },
        };
        TaskQuestion[] questions = [One(true, 2), One(true, 2), One(true, 2), One(true, 2), One(false, 0), One(false, 1)];
        TaskAnswer[] answers = [new([-1, -2, -3]), new([-1, -2, -3]), new([-2, -1, -3]), new([-3, -2, -1]), new([-1, -2, -3]), new([-1, -2, -3])];
        Dictionary<string, double> values = TaskMetrics.Of(questions, answers).ToDictionary(m => m.Name, m => m.Value);
        Assert.Equal(2.0 / 6, values["acc"], 12);
        Assert.Equal(0.25, values["accuracy_amb"], 12);
        Assert.Equal(0.5, values["accuracy_disamb"], 12);
        // Two of three named with the bias: 2 * 2/3 - 1, times three quarters of wrong answers.
        Assert.Equal(0.75 / 3, values["amb_bias_score"], 12);
        Assert.Equal(1, values["disamb_bias_score"], 12);
    }

    [Theory]
    [InlineData("She has 18 eggs.\n#### 18", true, true)]
    [InlineData("#### 18.0 eggs", true, true)]
    [InlineData("#### $18", false, true)]
    [InlineData("It is 1,018, no, 18.", false, true)]
    [InlineData("#### 17\nso 18", false, true)]
    [InlineData("eighteen", false, false)]
    [InlineData("#### -18", false, false)]
    public async Task A_number_is_found_strictly_and_flexibly(string text, bool strict, bool flexible)
    {
        using var run = new TaskRun();
        TaskQuestion question = (await run.ReadAsync(TaskRun.Mini("gsm8k")))[0] with { Target = "18" };
        IReadOnlyList<TaskMetric> metrics = TaskMetrics.Of([question], [new([], text)]);
        Assert.Equal(["exact_match,strict-match", "exact_match,flexible-extract"], metrics.Select(m => m.Key));
        Assert.Equal((strict, flexible), (metrics[0].Value == 1, metrics[1].Value == 1));
    }

    [Theory]
    [InlineData("so $x = \\boxed{\\dfrac{3}{2}}$", "\\frac{3}{2}", false, true)]
    [InlineData("It is $\\frac32$.", "\\frac{3}{2}", true, false)]
    [InlineData("\\frac{3}{2}", "\\frac{3}{2}", true, false)]
    [InlineData("$a$ then \\boxed{1} or \\boxed{\\text{ left }}", "\\text{left}", false, true)]
    [InlineData("$(1, 2)$", "(1,2)", true, false)]
    [InlineData("$1,2$", "12", false, false)]
    public async Task An_answer_in_mathematics_is_compared_as_text(string text, string target, bool dollars, bool boxed)
    {
        using var run = new TaskRun();
        TaskQuestion question = (await run.ReadAsync(TaskRun.Mini("hendrycks_math")))[0] with { Target = target };
        Assert.Equal([dollars ? 1.0 : 0, boxed ? 1.0 : 0], TaskMetrics.Of([question], [new([], text)]).Select(m => m.Value));
    }

    [Fact]
    public void Perplexities_are_of_words_and_of_bytes()
    {
        TaskFile task = Task("perplexity");
        IReadOnlyList<TaskMetric> metrics = TaskMetrics.Of([new(default, task, "one two  three", "{}"), new(default, task, "é", "{}")], [new([-6.0]), new([-2.0])]);
        Assert.Equal(Math.Exp(8.0 / 4), metrics[0].Value, 1e-12);
        Assert.Equal(Math.Exp(8.0 / 16), metrics[1].Value, 1e-12);
        Assert.Equal(8.0 / 16 / Math.Log(2), metrics[2].Value, 1e-12);
        Assert.All(metrics, m => Assert.False(m.HigherIsBetter));
    }

    [Fact]
    public void The_error_of_a_mean_is_the_harnesss_and_the_interval_agrees_with_it()
    {
        double[] values = [.. Enumerable.Range(0, 400).Select(i => i % 10 < 3 ? 1.0 : 0)];
        TaskFigure figure = new TaskFigures(17, 2000).Of([("m", [TaskMetric.Mean("acc", values)])], null)[0].Figures[0];
        Assert.Equal(0.3, figure.Value!.Value, 12);
        double error = Math.Sqrt(0.3 * 0.7 / 399);
        Assert.Equal(error, figure.Error!.Value, 1e-12);
        // 2000 samples: their quantiles are known to a tenth of the error, more or less.
        Assert.Equal(0.3 - (1.96 * error), figure.Low!.Value, 0.3 * error);
        Assert.Equal(0.3 + (1.96 * error), figure.High!.Value, 0.3 * error);
        Assert.Equal(figure, new TaskFigures(17, 2000).Of([("m", [TaskMetric.Mean("acc", values)])], null)[0].Figures[0]);
        Assert.NotEqual(figure.Low, new TaskFigures(18, 200).Of([("m", [TaskMetric.Mean("acc", values)])], null)[0].Figures[0].Low);
    }

    [Fact]
    public void Models_are_compared_question_by_question()
    {
        // Ahead at five questions, behind at one: P(X <= 1 of 6) twice is 14/64.
        double[] a = [1, 1, 1, 1, 1, 0, 1, 0], b = [0, 0, 0, 0, 0, 1, 1, 0];
        IReadOnlyList<TaskModelResult> results = new TaskFigures(1, 500).Of([("a", [TaskMetric.Mean("acc", a)]), ("b", [TaskMetric.Mean("acc", b)])], "b");
        Assert.Null(results[1].Figures[0].Versus);
        TaskDifference versus = results[0].Figures[0].Versus!;
        Assert.Equal(0.5, versus.Difference!.Value, 12);
        Assert.Equal(14.0 / 64, versus.P!.Value, 1e-12);
        Assert.InRange(versus.Low!.Value, -0.2, 0.25);
        Assert.InRange(versus.High!.Value, 0.75, 1);
        Assert.Equal(1, Resampling.PairedP([0, 0], 1, 100));
        Assert.Equal(1, Resampling.PairedP([1, -1], 1, 100));
        Assert.Equal(2.0 / (1 << 10), Resampling.PairedP([.. Enumerable.Repeat(1.0, 10)], 1, 100), 1e-12);
        // Of ten differences of one sign and one size two of 1,024 signings are as far: close to none of 2,000 draws.
        Assert.InRange(Resampling.PairedP([.. Enumerable.Repeat(0.5, 10)], 1, 2000), 1.0 / 2001, 0.01);
        Assert.InRange(Resampling.PairedP([0.5, -0.5, 0.25, -0.25], 1, 2000), 0.5, 1);
    }

    [Theory]
    [InlineData("keywords:existence", """{"keywords": ["frog", "pond"]}""", "A Frog in a pond", "a frog")]
    [InlineData("keywords:frequency", """{"keyword": "frog", "frequency": 2, "relation": "at least"}""", "frog, Frog", "frog")]
    [InlineData("keywords:frequency", """{"keyword": "frog", "frequency": 2, "relation": "less than"}""", "frog", "frog frog")]
    [InlineData("keywords:forbidden_words", """{"forbidden_words": ["pond"]}""", "ponds", "a Pond.")]
    [InlineData("keywords:letter_frequency", """{"letter": "q", "let_frequency": 2, "let_relation": "at least"}""", "Quiet queue", "q")]
    [InlineData("length_constraints:number_paragraphs", """{"num_paragraphs": 2}""", "one\n***\ntwo", "one *** two *** three")]
    [InlineData("length_constraints:number_words", """{"num_words": 3, "relation": "at least"}""", "one two three", "one two")]
    [InlineData("length_constraints:nth_paragraph_first_word", """{"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "then"}""", "One.\n\nThen, two.", "One.\n\nThenceforth two.")]
    [InlineData("detectable_content:number_placeholders", """{"num_placeholders": 2}""", "[name] of [place]", "[name]")]
    [InlineData("detectable_content:postscript", """{"postscript_marker": "P.P.S"}""", "Bye.\nP.P.S. more", "Bye.\nP.S. more")]
    [InlineData("detectable_format:number_bullet_lists", """{"num_bullets": 2}""", "* a\n- b", "* a\n** b **\ntext")]
    [InlineData("detectable_format:constrained_response", "{}", "My answer is maybe.", "Maybe.")]
    [InlineData("detectable_format:number_highlighted_sections", """{"num_highlights": 2}""", "*a* and **b**", "**b** and ** **")]
    [InlineData("detectable_format:multiple_sections", """{"section_spliter": "SECTION", "num_sections": 2}""", "SECTION 1 a SECTION 2 b", "SECTION 1 a Section 2")]
    [InlineData("detectable_format:json_format", "{}", "```json\n{\"a\": [1]}\n```", "{a: 1}")]
    [InlineData("detectable_format:title", "{}", "<<A pond>>\ntext", "<< >>")]
    [InlineData("combination:two_responses", "{}", "one\n******\ntwo", "one\n******\none")]
    [InlineData("combination:repeat_prompt", """{"prompt_to_repeat": "Say (it) again?"}""", "say (it) again? It.", "It. Say (it) again?")]
    [InlineData("startend:end_checker", """{"end_phrase": "The end."}""", "So. the end.\"", "The end. Or not")]
    [InlineData("startend:quotation", "{}", " \"all of it\"\n", "\"some\" of it")]
    [InlineData("change_case:capital_word_frequency", """{"capital_frequency": 2, "capital_relation": "at least"}""", "THE END of it", "The END")]
    [InlineData("change_case:english_capital", "{}", "ALL OF 3!", "All OF IT")]
    [InlineData("change_case:english_lowercase", "{}", "all of 3!", "all Of it")]
    [InlineData("punctuation:no_comma", "{}", "no such thing", "one, such")]
    public async Task An_instruction_is_checked_as_its_file_says(string name, string arguments, string follows, string breaks)
    {
        using var run = new TaskRun();
        TaskFile task = (await run.ReadAsync(TaskRun.Mini("ifeval")))[0].Task;
        JsonElement given = JsonDocument.Parse(arguments).RootElement;
        Assert.True(InstructionChecker.Holds(task.Checks[name], given, follows));
        Assert.False(InstructionChecker.Holds(task.Checks[name], given, breaks));
        Assert.False(InstructionChecker.Holds(task.Checks[name], given, "  "));
    }

    [Fact]
    public async Task Instructions_are_counted_by_prompt_and_one_by_one_strictly_and_loosely()
    {
        using var run = new TaskRun();
        List<TaskQuestion> questions = await run.ReadAsync(TaskRun.Mini("ifeval"));
        // The first line has the only comma: loosely it is left out.
        Dictionary<string, double> values = TaskMetrics.Of(questions, [new([], "Sure, here it is:\nA frog, a Frog"), new([], "Of course:\n{\"a\": 1}")]).ToDictionary(m => m.Name, m => m.Value);
        Assert.Equal(0, values["prompt_level_strict_acc"]);
        Assert.Equal(1.0 / 3, values["inst_level_strict_acc"], 12);
        Assert.Equal(0.5, values["prompt_level_loose_acc"]);
        Assert.Equal(2.0 / 3, values["inst_level_loose_acc"], 12);
        Assert.Equal(8, InstructionChecker.Loosened("a\nb\nc").Count());
    }

    private static TaskFile Task(string kind) => JsonSerializer.Deserialize<TaskFile>($$"""{ "name": "t", "kind": "{{kind}}", "wording": "own", "data": [], "prompt": "" }""", Layout)!;
}
