using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Host.Definitions;
using Pipeline.Stages;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Student;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tests.Teacher;

namespace Pipeline.Host.Tests.Definitions;

public sealed class TeacherBackendTests : IDisposable
{
    private const string Distill = """
        { "stage": "read-shards", "from": ["shards"] }, { "stage": "batch" },
        { "stage": "update-student", "to": "student", "steps": 1,
          "objectives": { "alm": OPTIONS, "sft": {} } }
        """;

    private static readonly StageCatalog Catalog = new(StageTable.All, [.. TeacherTable.All, TableTeacher.Registration]);

    private readonly TemporaryFolder _folder = new();
    private readonly DefinitionLoader _loader = new(Catalog, new DiskStorage());

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_teacher_without_a_backend_is_of_torch_and_hashed_as_it_ever_was()
    {
        LoadedDefinition plain = Parse("""{ "model": "m" }"""), said = Parse("""{ "model": "m", "backend": "torch" }""");
        Assert.IsType<TeacherDefinition>(plain.Definition.Teacher);
        Assert.Equal(plain.Json, said.Json);
        Assert.Null(JsonNode.Parse(plain.Json)!["teacher"]!["backend"]);
    }

    [Fact]
    public void A_backend_has_keys_of_its_own_and_is_written_back()
    {
        LoadedDefinition loaded = Parse("""{ "backend": "table", "model": "m", "boundary": "interval" }""", """{ "boundary": "append-lower" }""");
        Assert.Equal(new TableTeacherDefinition { Model = "m", Boundary = BoundaryKnowledge.Interval }, loaded.Definition.Teacher);
        Assert.Equal(loaded.Json, _loader.Parse("again.json", Encoding.UTF8.GetBytes(loaded.Json)).Json);
        Assert.Equal(3, ((TableTeacherDefinition)Parse("""{ "backend": "table", "model": "m" }""", sets: ["teacher.inFlight=3"]).Definition.Teacher!).InFlight);
        Assert.Equal("table", Parse("""{ "model": "m" }""", sets: ["teacher.backend=table"]).Definition.Teacher!.Backend);
    }

    [Theory]
    [InlineData("""{ "backend": "tabel", "model": "m" }""", "d.json:2:27: the definition: 'teacher.backend': unknown backend 'tabel'; did you mean 'table'?")]
    [InlineData("""{ "backend": 3, "model": "m" }""", "d.json:2:27: the definition: 'teacher.backend': found the number 3, expected a string")]
    [InlineData("""{ "backend": "table", "model": "m", "inFligth": 2 }""", "d.json:2:50: the definition: unknown key 'teacher.inFligth'; did you mean 'inFlight'?")]
    [InlineData("""{ "backend": "table", "inFlight": 0 }""", "d.json:2:48: the definition: 'teacher.inFlight': found the number 0, expected 1..64")]
    [InlineData("""{ "backend": "table", "inFlight": 0 }""", "d.json:2:14: the definition: key 'teacher.model' is missing")]
    [InlineData("""{ "model": "m", "boundary": "interval" }""", "d.json:2:30: the definition: unknown key 'teacher.boundary'")]
    public void What_is_wrong_with_a_backend_is_said_with_its_place(string teacher, string expected)
        => Assert.Contains(expected, Refused(teacher, "{}"), StringComparison.Ordinal);

    [Fact]
    public void What_a_backend_cannot_say_is_refused_all_at_once_where_it_is_asked_for()
    {
        string errors = Refused("""{ "backend": "table", "model": "m", "boundary": "none" }""", """{ "temperature": 0, "chunks": "every" }""");
        Assert.DoesNotContain("needs", errors, StringComparison.Ordinal);

        errors = Refused("""{ "backend": "table", "model": "m", "boundary": "none" }""", """{ "chunks": "every" }, "uld": {}, "latents": {}""", "\"hiddenLayers\": [-1]");
        foreach (string expected in (string[])[
            "d.json:5:49: flow 'score', stage 'score-teacher': 'hiddenLayers' needs hidden states, which a teacher of backend 'table' does not provide; leave it out",
            "d.json:8:26: flow 'distill', stage 'update-student': 'objectives.alm.boundary' needs known boundary masses, which a teacher of backend 'table' does not provide; use append-lower",
            "d.json:8:26: flow 'distill', stage 'update-student': 'objectives.alm.gamma' needs boundary masses or bounds on them",
            "'objectives.latents' needs hidden states",
            "flow 'distill', stage 'update-student': 'objectives.uld' needs a teacher running alongside the student"])
        {
            Assert.Contains(expected, errors, StringComparison.Ordinal);
        }
        Assert.Equal(5, errors.Split('\n').Count(l => l.Contains(" needs ", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("exact", "append-boundary", "0.1", true)]
    [InlineData("exact", "append-lower", "0.1", false)]
    [InlineData("interval", "append-boundary", "null", false)]
    [InlineData("interval", "appendMidpoint", "0.1", true)]
    [InlineData("none", "none", "null", true)]
    [InlineData("none", "none", "0.1", false)]
    public void Which_masses_an_objective_takes_depends_on_what_the_teacher_knows(string boundary, string mode, string gamma, bool fits)
    {
        string teacher = $$"""{ "backend": "table", "model": "m", "boundary": "{{boundary}}" }""", alm = $$"""{ "boundary": "{{mode}}", "gamma": {{gamma}} }""";
        if (!fits)
        {
            Assert.Contains($"needs ", Refused(teacher, alm), StringComparison.Ordinal);
            return;
        }
        var update = (UpdateStudentOptions)Parse(teacher, alm).Definition.Flows[1].Stages[2].Options;
        Assert.Equal(mode is "appendMidpoint" ? BoundaryMode.AppendMidpoint : mode is "none" ? BoundaryMode.None : BoundaryMode.AppendBoundary, update.Objectives.Alm!.Boundary);
    }

    [Fact]
    public void The_schema_has_the_keys_of_every_backend()
    {
        JsonArray backends = JsonNode.Parse(new DefinitionSchema(Catalog).Write())!["properties"]!["teacher"]!["oneOf"]!.AsArray();
        JsonNode table = backends.Single(b => (string?)b!["properties"]?["backend"]?["const"] == "table")!;
        Assert.Equal(["backend", "model"], table["required"]!.AsArray().Select(r => (string)r!));
        Assert.Equal(64, (int)table["properties"]!["inFlight"]!["maximum"]!);
        Assert.Equal(["model"], backends.Single(b => (string?)b!["properties"]?["backend"]?["const"] == "torch")!["required"]!.AsArray().Select(r => (string)r!));
    }

    [Fact]
    public async Task A_run_with_another_backend_scores_resumes_and_is_inspected()
    {
        string model = ByteModel.Save(_folder["model"], 3);
        File.WriteAllLines(_folder["table"], Enumerable.Range(0, 271).Select(id => string.Create(CultureInfo.InvariantCulture, $"{id} 0.5 2 1.5")));
        File.WriteAllLines(_folder["text.jsonl"], ["{\"text\": \"one two\"}", "{\"text\": \"three\"}"]);
        string definition = _folder["d.json"];
        File.WriteAllText(definition, $$"""
            { "name": "x", "teacher": { "backend": "table", "model": "{{_folder["table"]}}", "tokenizer": "{{model}}", "boundary": "interval" },
              "student": { "model": "{{model}}" },
              "flows": [ { "name": "score", "stages": [ { "stage": "read-jsonl", "files": ["{{_folder["text.jsonl"]}}"] }, { "stage": "tokenize" }, { "stage": "align" },
                { "stage": "score-teacher" }, { "stage": "write-shards", "to": "shards", "count": 1 } ] } ] }
            """);
        AlmAnswer check = await RunAsync("check", definition, "--run", _folder["run"]);
        Assert.Contains("a score and two bounds per token", check.Output, StringComparison.Ordinal);
        Assert.Equal((0, ""), ((await RunAsync("run", definition, "--run", _folder["run"], "--plain")) is var run ? (run.Code, run.Error) : default));
        Assert.Equal(0, (await RunAsync("run", definition, "--run", _folder["run"], "--plain")).Code);
        AlmAnswer inspected = await RunAsync("inspect", _folder["run/shards"]);
        Assert.Contains("lower and upper bounds", inspected.Output, StringComparison.Ordinal);
        Assert.Contains("shard 2", inspected.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("verify", _folder["run"])).Code);
    }

    private static Task<AlmAnswer> RunAsync(params string[] arguments) => Alm.RunAsync(arguments, stages: StageTable.All, teachers: Catalog.Teachers);

    private string Refused(string teacher, string alm, string score = "") => Assert.Throws<DefinitionException>(() => Parse(teacher, alm, score)).Message;

    private LoadedDefinition Parse(string teacher, string alm = "{}", string score = "", IReadOnlyList<string>? sets = null) => _loader.Parse("d.json", Encoding.UTF8.GetBytes($$"""
        { "name": "x", "student": { "model": "m" },
          "teacher": {{teacher}},
          "flows": [ { "name": "score", "stages": [
            { "stage": "read-jsonl", "files": ["t"] }, { "stage": "tokenize" }, { "stage": "align" },
            { "stage": "score-teacher", {{score}} }, { "stage": "write-shards", "to": "shards" } ] },
            { "name": "distill", "stages": [ {{Distill.Replace("OPTIONS", alm, StringComparison.Ordinal)}} ] } ] }
        """), sets);
}
