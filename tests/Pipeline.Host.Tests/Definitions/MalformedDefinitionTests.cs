using System.Text;
using Pipeline.Contracts.Errors;
using Xunit.Abstractions;

namespace Pipeline.Host.Tests.Definitions;

/// <summary>Definitions with errors: every error of a file in one pass, each at its place, exit 64, and nothing created.</summary>
public sealed class MalformedDefinitionTests(ITestOutputHelper log) : IDisposable
{
    private static readonly string[] Valid =
    [
        """{""",
        """  "name": "x",""",
        """  "flows": [ { "name": "f", "stages": [""",
        """    { "stage": "make-texts", "count": 3 },""",
        """    { "stage": "shout" },""",
        """    { "stage": "train" } ] } ]""",
        """}""",
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Name; the line that is replaced (0: the whole text); by what; the errors, each "line:column part of the message".</summary>
    public static TheoryData<string, int, string, string[]> Cases { get; } = new()
    {
        // Not JSON at all.
        { "empty", 0, "", ["1:1 not JSON"] },
        { "only white space", 0, "  \n  ", ["2:3 not JSON"] },
        { "only a comment", 0, "// nothing\n", ["2:1 not JSON"] },
        { "a word", 0, "distill", ["1:1 not JSON"] },
        { "a missing brace", 7, "", ["7:1 not JSON"] },
        { "a missing comma", 2, "  \"name\": \"x\"", ["3:3 not JSON"] },
        { "an unquoted key", 2, "  name: \"x\",", ["2:3 not JSON"] },
        { "single quotes", 2, "  'name': 'x',", ["2:3 not JSON"] },
        { "text after the end", 7, "} }", ["7:3 not JSON"] },
        { "an open string", 2, "  \"name\": \"x,", ["2:14 not JSON"] },
        { "a control character", 2, "  \"name\": \"x\u0001\",", ["2:13 not JSON"] },
        { "an unknown escape", 2, "  \"name\": \"\\x\",", ["2:13 not JSON"] },
        { "an open comment", 2, "  /* \"name\": \"x\",", ["2:3 not JSON"] },
        { "NaN", 5, "    { \"stage\": \"shout\", \"copies\": NaN },", ["5:35 not JSON"] },
        { "a hexadecimal number", 5, "    { \"stage\": \"shout\", \"copies\": 0x10 },", ["5:36 not JSON"] },
        { "nested too deeply", 2, "  \"name\": " + new string('[', 40) + new string(']', 40) + ",", ["2:42 not JSON"] },
        { "half a surrogate pair", 2, "  \"name\": \"\\ud800\",", ["2:11 half a surrogate pair", "2:11 the run: 'name'"] },
        { "UTF-16", 0, "UTF-16", ["1:1 not UTF-8"] },
        { "an invalid byte", 0, "INVALID BYTE", ["2:11 not UTF-8"] },
        // JSON, but no definition.
        { "a list", 0, "[]", ["1:1 the definition: found a list, expected an object"] },
        { "a string", 0, "\"x\"", ["1:1 the definition: found the string \"x\", expected an object"] },
        { "null", 0, "null", ["1:1 the definition: found null, expected an object"] },
        { "an empty object", 0, "{}", ["1:1 key 'name' is missing", "1:1 key 'flows' is missing"] },
        // Keys of the run.
        { "an unknown key", 2, "  \"name\": \"x\", \"sead\": 3,", ["2:16 unknown key 'sead'; did you mean 'seed'?"] },
        { "two unknown keys", 2, "  \"name\": \"x\", \"treads\": 3, \"zzzzzzzzzz\": 1,", ["2:16 did you mean 'threads'?", "2:29 unknown key 'zzzzzzzzzz'; expected one of"] },
        { "another case", 2, "  \"Name\": \"x\",", ["2:3 unknown key 'Name'; did you mean 'name'?", "1:1 key 'name' is missing"] },
        { "no name", 2, "", ["1:1 key 'name' is missing"] },
        { "a number for a name", 2, "  \"name\": 7,", ["2:11 'name': found the number 7, expected a string"] },
        { "null for a name", 2, "  \"name\": null,", ["2:11 'name': found null, expected a string"] },
        { "an empty name", 2, "  \"name\": \"\",", ["2:11 the run: 'name': found the string \"\", expected up to 64 letters"] },
        { "a name that leaves the folder", 2, "  \"name\": \"../../etc\",", ["2:11 the run: 'name': found the string \"../../etc\""] },
        { "a duplicate key", 2, "  \"name\": \"x\",\n  \"name\": \"y\",", ["3:3 key 'name' was given already at line 2"] },
        { "a string for a number", 2, "  \"name\": \"x\", \"seed\": \"17\",", ["2:24 'seed': found the string \"17\", expected a whole number"] },
        { "a fraction for a whole number", 2, "  \"name\": \"x\", \"seed\": 1.5,", ["2:24 'seed': found the number 1.5, expected a whole number"] },
        { "too large a number", 2, "  \"name\": \"x\", \"seed\": 3000000000,", ["2:24 'seed': found the number 3000000000, expected a whole number of at most 2147483647"] },
        { "a number beyond all types", 2, "  \"name\": \"x\", \"seed\": 1e400,", ["2:24 'seed': found the number 1e400"] },
        { "below the range", 2, "  \"name\": \"x\", \"threads\": -1,", ["2:27 'threads': found the number -1, expected 0..1024"] },
        { "above the range", 2, "  \"name\": \"x\", \"threads\": 1025,", ["2:27 'threads': found the number 1025, expected 0..1024"] },
        { "below an open range", 2, "  \"name\": \"x\", \"maxFailedRecords\": -1,", ["2:36 'maxFailedRecords': found the number -1, expected at least 0"] },
        { "an unknown choice", 2, "  \"name\": \"x\", \"device\": \"cud\",", ["2:26 'device': found the string \"cud\"; did you mean 'cuda'?"] },
        { "a choice in another case", 2, "  \"name\": \"x\", \"device\": \"CPU\",", ["2:26 'device': found the string \"CPU\"; did you mean 'cpu'?"] },
        { "a number for a choice", 2, "  \"name\": \"x\", \"device\": 1,", ["2:26 'device': found the number 1, expected \"auto\" or \"cpu\" or \"cuda\""] },
        // Teacher and student.
        { "a string for a teacher", 2, "  \"name\": \"x\", \"teacher\": \"llama\",", ["2:27 'teacher': found the string \"llama\", expected an object"] },
        { "a teacher without a model", 2, "  \"name\": \"x\", \"teacher\": {},", ["2:27 key 'teacher.model' is missing"] },
        { "an unknown key of a teacher", 2, "  \"name\": \"x\", \"teacher\": { \"model\": \"m\", \"tokeniser\": \"bytes\" },", ["2:43 unknown key 'teacher.tokeniser'; did you mean 'tokenizer'?"] },
        { "a card that is none", 2, "  \"name\": \"x\", \"teacher\": { \"model\": \"m\", \"device\": \"cuda:x\" },", ["2:53 'teacher.device': found the string \"cuda:x\", expected auto, cpu, cuda, or one GPU such as cuda:1"] },
        { "a student from nothing", 2, "  \"name\": \"x\", \"student\": { \"tokenizer\": \"bytes\" },", ["2:27 the student: found neither 'model' nor 'config'"] },
        { "a student from two things", 2, "  \"name\": \"x\", \"student\": { \"model\": \"m\", \"config\": \"c\" },", ["2:27 the student: found both 'model' and 'config'"] },
        { "an unknown way to begin embeddings", 2, "  \"name\": \"x\", \"student\": { \"model\": \"m\", \"embeddings\": \"copy\" },", ["2:57 'student.embeddings': found the string \"copy\""] },
        { "a stage that needs both and has neither", 5, "    { \"stage\": \"pair\" },", ["5:16 stage 'pair' needs a teacher", "5:16 stage 'pair' needs a student", "6:16 'train' takes TextDocument, but 'pair' before it gives AlignedPair"] },
        // Flows.
        { "no flows", 0, "{ \"name\": \"x\", \"flows\": [] }", ["1:25 'flows': found an empty list"] },
        { "an object for flows", 0, "{ \"name\": \"x\", \"flows\": {} }", ["1:25 'flows': found an object, expected a list"] },
        { "a number for a flow", 0, "{ \"name\": \"x\", \"flows\": [ 3 ] }", ["1:27 'flows[0]': found the number 3, expected an object"] },
        { "a flow without a name and stages", 0, "{ \"name\": \"x\", \"flows\": [ {} ] }", ["1:27 key 'name' is missing", "1:27 key 'stages' is missing"] },
        { "an unknown key of a flow", 3, "  \"flows\": [ { \"name\": \"f\", \"stage\": 1, \"stages\": [", ["3:29 flow 'f': unknown key 'stage'; did you mean 'stages'?"] },
        { "a flow's name with a dot", 3, "  \"flows\": [ { \"name\": \"f.g\", \"stages\": [", ["3:24 the flow: 'name': found the string \"f.g\""] },
        { "two flows of one name", 6, "    { \"stage\": \"train\" } ] }, { \"name\": \"f\", \"stages\": [ { \"stage\": \"make-texts\", \"count\": 1 }, { \"stage\": \"train\" } ] } ]", ["6:41 two flows are named 'f'"] },
        { "a flow without stages", 0, "{ \"name\": \"x\", \"flows\": [ { \"name\": \"f\", \"stages\": [] } ] }", ["1:52 flow 'f': found 0 stages, expected at least a source and a sink"] },
        { "one stage alone", 0, "{ \"name\": \"x\", \"flows\": [ { \"name\": \"f\", \"stages\": [ { \"stage\": \"make-texts\", \"count\": 1 } ] } ] }", ["1:52 found 1 stages", "1:65 the last stage 'make-texts' gives TextDocument; expected a sink, such as take-lines, train"] },
        // Stages.
        { "a string for a stage", 5, "    \"shout\",", ["5:5 flow 'f': found the string \"shout\", expected a stage"] },
        { "a stage without a kind", 5, "    { \"copies\": 2 },", ["5:5 key 'stage' is missing"] },
        { "a number for a kind", 5, "    { \"stage\": 5 },", ["5:16 'stage': found the number 5, expected a string"] },
        { "an unknown stage", 5, "    { \"stage\": \"shot\", \"copies\": 2 },", ["5:16 unknown stage 'shot'; did you mean 'shout'?"] },
        { "a stage like none", 5, "    { \"stage\": \"qqqqqqqqqqqqqqqqq\" },", ["5:16 unknown stage 'qqqqqqqqqqqqqqqqq'; expected one of join-neighbours, make-texts"] },
        { "an unknown option", 5, "    { \"stage\": \"shout\", \"copys\": 2 },", ["5:25 flow 'f', stage 'shout': unknown key 'copys'; did you mean 'copies'?"] },
        { "an unknown option of a named stage", 5, "    { \"stage\": \"shout\", \"name\": \"loud\", \"copys\": 2 },", ["5:41 flow 'f', stage 'loud': unknown key 'copys'"] },
        { "a missing option", 4, "    { \"stage\": \"make-texts\" },", ["4:5 stage 'make-texts': key 'count' is missing (Rows)"] },
        { "an option out of range", 4, "    { \"stage\": \"make-texts\", \"count\": -3 },", ["4:39 'count': found the number -3, expected 0..1000000"] },
        { "a stage's name that is no name", 5, "    { \"stage\": \"shout\", \"name\": \"a b\" },", ["5:33 the stage: 'name': found the string \"a b\""] },
        { "a number for a stage's name", 5, "    { \"stage\": \"shout\", \"name\": 5 },", ["5:33 'name': found the number 5, expected a string"] },
        { "two stages of one name", 5, "    { \"stage\": \"shout\" },\n    { \"stage\": \"shout\" },", ["6:16 two stages are named 'shout'"] },
        { "a sink first", 4, "    { \"stage\": \"write-lines\", \"to\": \"o\" },", ["4:16 the first stage 'write-lines' takes TextDocument; expected a source, such as make-texts", "4:16 'write-lines' is a sink; only the last stage is one"] },
        { "a source in the middle", 5, "    { \"stage\": \"make-texts\", \"name\": \"again\", \"count\": 2 },", ["5:16 'make-texts' is a source; only the first stage is one"] },
        { "a map last", 6, "    { \"stage\": \"join-neighbours\" } ] } ]", ["6:16 the last stage 'join-neighbours' gives TextDocument; expected a sink"] },
        // Nested options, lists, and rules between options.
        { "an unknown nested key", 6, "    { \"stage\": \"train\", \"objectives\": { \"alm\": { \"gama\": 0.2 } } } ] } ]", ["6:50 unknown key 'objectives.alm.gama'; did you mean 'gamma'?"] },
        { "a nested value out of range", 6, "    { \"stage\": \"train\", \"objectives\": { \"alm\": { \"gamma\": 1.2 } } } ] } ]", ["6:59 'objectives.alm.gamma': found the number 1.2, expected 0..1"] },
        { "a missing nested key", 6, "    { \"stage\": \"train\", \"objectives\": { \"sft\": {} } } ] } ]", ["6:48 key 'objectives.sft.weight' is missing"] },
        { "null where there must be something", 6, "    { \"stage\": \"train\", \"objectives\": null } ] } ]", ["6:39 'objectives': found null, expected an object"] },
        { "a number for a list", 6, "    { \"stage\": \"train\", \"weights\": 1 } ] } ]", ["6:36 'weights': found the number 1, expected a list (each item a number)"] },
        { "wrong items of a list", 6, "    { \"stage\": \"train\", \"weights\": [1, \"2\", 11], \"names\": [\"a\", null] } ] } ]", ["6:40 'weights[1]': found the string \"2\", expected a number", "6:65 'names[1]': found null, expected a string"] },
        { "an item out of range", 6, "    { \"stage\": \"train\", \"weights\": [1, 11] } ] } ]", ["6:40 'weights[1]': found the number 11, expected 0..10"] },
        { "an excluded limit", 6, "    { \"stage\": \"train\", \"learningRate\": 0 } ] } ]", ["6:41 'learningRate': found the number 0, expected more than 0 and at most 1"] },
        { "an infinite number", 6, "    { \"stage\": \"train\", \"learningRate\": 1e999 } ] } ]", ["6:41 'learningRate': found the number 1e999, expected a finite number"] },
        { "too large a whole number", 6, "    { \"stage\": \"train\", \"tokens\": 99999999999999999999 } ] } ]", ["6:35 'tokens': found the number 99999999999999999999, expected a whole number"] },
        { "a number for yes or no", 6, "    { \"stage\": \"train\", \"shuffle\": 1 } ] } ]", ["6:36 'shuffle': found the number 1, expected true or false"] },
        { "options that contradict each other", 6, "    { \"stage\": \"train\", \"steps\": 5, \"warmUp\": 6 } ] } ]", ["6:47 'warmUp' is 6, more than the 5 'steps'"] },
        { "a choice of a stage", 5, "    { \"stage\": \"shout\", \"style\": \"upper_case\" },", ["5:34 'style': found the string \"upper_case\"; did you mean 'upper-case'?"] },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Every_error_is_named_at_its_place_and_nothing_is_created(string name, int line, string replacement, string[] expected)
    {
        string path = _folder["d.json"];
        await File.WriteAllBytesAsync(path, Bytes(line, replacement));

        AlmAnswer answer = await Alm.RunAsync(["run", path, "--run", _folder["run"]]);

        log.WriteLine($"{name}:\n{answer.Error}");
        string[] errors = answer.Error.TrimEnd().Split('\n')[..^1];
        Assert.Equal(ExitCodes.Definition, answer.Code);
        Assert.Equal(expected.Length, errors.Length);
        foreach (string error in expected)
        {
            int space = error.IndexOf(' ', StringComparison.Ordinal);
            Assert.Contains(errors, e => e.StartsWith($"{path}:{error[..space]}: ", StringComparison.Ordinal) && e.Contains(error[(space + 1)..], StringComparison.Ordinal));
        }
        Assert.EndsWith($"{expected.Length} error{(expected.Length == 1 ? "" : "s")}; nothing was started", answer.Error.TrimEnd(), StringComparison.Ordinal);
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder.Path));
        Assert.Equal(ExitCodes.Definition, (await Alm.RunAsync(["check", path])).Code);
    }

    [Fact]
    public async Task There_are_at_least_sixty_and_what_they_are_made_from_is_valid()
    {
        string path = _folder.Write("d.json", string.Join('\n', Valid));

        Assert.InRange(Cases.Count, 60, 1000);
        Assert.Equal(0, (await Alm.RunAsync(["check", path])).Code);
    }

    [Fact]
    public async Task Errors_of_all_kinds_come_together_in_the_order_of_the_file()
    {
        string path = _folder.Write("d.json", """
            {
              "name": "x", "sed": 1, // a comment, to be skipped
              "device": "gpu",
              "flows": [ { "name": "f", "stages": [
                { "stage": "make-texts", "count": "3" },
                { "stage": "shoutt" },
                { "stage": "pair" },
                { "stage": "train", "steps": 0, "objectives": { "alm": { "gamma": 7, "tau": "x", }, }, }, ] },
                { "name": "f", "stages": [ { "stage": "write-lines" } ] } ],
            }
            """);

        AlmAnswer answer = await Alm.RunAsync(["check", path, "--set", "flows.f.trian.steps=4", "--set", "seed=x"]);

        string[] places = answer.Error.TrimEnd().Split('\n')[..^1].Select(e => e.Replace(path, "", StringComparison.Ordinal)).ToArray();
        Assert.Equal(
            [":2:16", ":3:13", ":5:39", ":6:16", ":7:16", ":7:16", ":8:16", ":8:34", ":8:71", ":8:81", ":9:15", ":9:30", ":9:32", ":9:43"],
            places.Where(p => p.StartsWith(':')).Select(p => string.Join(':', p.Split(':')[..3])));
        Assert.Contains(places, p => p.StartsWith("--set flows.f.trian.steps=4: flow 'f' has no stage 'trian'; did you mean 'train'?", StringComparison.Ordinal));
        Assert.Contains(places, p => p.StartsWith("--set seed=x: the definition: 'seed': found the string \"x\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_of_a_stranger_is_refused_and_never_fills_the_memory()
    {
        string large = _folder.Write("large.json", "{ \"name\": \"" + new string('x', 2 << 20) + "\" }");
        string keys = _folder.Write("keys.json", "{ " + string.Join(", ", Enumerable.Range(0, 60_000).Select(i => $"\"k{i}\": 1")) + " }");

        AlmAnswer tooLarge = await Alm.RunAsync(["check", large]);
        AlmAnswer tooMany = await Alm.RunAsync(["check", keys]);

        Assert.Equal(ExitCodes.Definition, tooLarge.Code);
        Assert.Contains("larger than", tooLarge.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Definition, tooMany.Code);
        Assert.Contains("60002 errors", tooMany.Error, StringComparison.Ordinal);
        Assert.InRange(tooMany.Error.Length, 1, 100_000);
    }

    private static byte[] Bytes(int line, string replacement)
    {
        if (line > 0)
            return Encoding.UTF8.GetBytes(string.Join('\n', Valid.Select((text, i) => i == line - 1 ? replacement : text)));
        return replacement switch
        {
            "UTF-16" => [0xFF, 0xFE, .. Encoding.Unicode.GetBytes("{}")],
            "INVALID BYTE" => [.. Encoding.UTF8.GetBytes("{\n  \"name\": "), 0xC3, 0x28, .. Encoding.UTF8.GetBytes("\" }")],
            _ => Encoding.UTF8.GetBytes(replacement),
        };
    }
}
