using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Tests.Stages;
using Pipeline.Stages;

namespace Pipeline.Host.Tests.Definitions;

public sealed class DefinitionTests
{
    private readonly DefinitionLoader _loader = new(new StageCatalog(TestStageTable.All), new DiskStorage());

    [Fact]
    public void Comments_trailing_commas_and_a_byte_order_mark_are_read()
    {
        byte[] text = [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes("""
            // what it is
            { "$schema": "alm.schema.json", "name": "x", /* why */
              "flows": [ { "name": "f", "stages": [ { "stage": "make-texts", "count": 3, }, { "stage": "train", }, ], }, ], }
            """)];

        RunDefinition definition = _loader.Parse("d.json", text).Definition;

        Assert.Equal("x", definition.Name);
        Assert.Equal(["make-texts", "train"], definition.Flows[0].Stages.Select(s => s.Kind.Value));
    }

    [Fact]
    public void A_nested_default_holds_for_keys_that_are_left_out()
    {
        var train = (TrainOptions)Parse("""{ "stage": "train", "objectives": { "alm": { "tau": 5 } } }""").Definition.Flows[0].Stages[1].Options;

        // The default of the outer record says 0.3, the inner record alone 0.1.
        Assert.Equal(0.3, train.Objectives.Alm!.Gamma);
        Assert.Equal(5, train.Objectives.Alm.Tau);
        Assert.Equal(100, new TrainOptions().Objectives.Alm!.Tau);
    }

    [Fact]
    public void The_hash_is_of_what_is_meant_and_not_of_how_it_is_written()
    {
        LoadedDefinition plain = Parse("""{ "stage": "train", "steps": 10 }""");
        LoadedDefinition spelled = Parse("""{ "steps": 1e1, /* the default */ "stage": "train", "name": "train", "shuffle": true, }""");
        LoadedDefinition other = Parse("""{ "stage": "train", "steps": 11 }""");

        Assert.Equal(plain.Hash, spelled.Hash);
        Assert.Equal(plain.Json, spelled.Json);
        Assert.NotEqual(plain.Hash, other.Hash);
    }

    [Fact]
    public void The_canonical_form_loads_as_itself()
    {
        LoadedDefinition loaded = Parse("""{ "stage": "train", "names": ["a", "\u00e9"], "learningRate": 0.1 }""");

        LoadedDefinition again = _loader.Parse("definition.json", Encoding.UTF8.GetBytes(loaded.Json));

        Assert.Equal(loaded.Json, again.Json);
        Assert.Contains("\"é\"", loaded.Json, StringComparison.Ordinal);
    }

    [Fact]
    public void The_hash_of_a_flow_depends_on_what_comes_before_it_and_not_on_what_comes_behind()
    {
        string flow(string name, int count) => $$"""{ "name": "{{name}}", "stages": [ { "stage": "make-texts", "count": {{count}} }, { "stage": "train" } ] }""";
        var canonical = new CanonicalDefinition(new OptionTypes());
        string hash(string flows, int index, string run = "") => canonical.FlowHash(
            _loader.Parse("d.json", Encoding.UTF8.GetBytes($$"""{ "name": "x", {{run}} "flows": [ {{flows}} ] }""")).Definition, index);

        Assert.Equal(hash(flow("a", 1) + "," + flow("b", 2), 0), hash(flow("a", 1) + "," + flow("b", 3), 0));
        Assert.NotEqual(hash(flow("a", 1) + "," + flow("b", 2), 1), hash(flow("a", 9) + "," + flow("b", 2), 1));
        Assert.NotEqual(hash(flow("a", 1), 0), hash(flow("a", 1), 0, "\"seed\": 3,"));
        Assert.Equal(hash(flow("a", 1), 0), hash(flow("a", 1), 0, "\"maxFailedRecords\": 3,"));
    }

    [Fact]
    public void The_schema_knows_every_stage_and_key()
    {
        JsonNode schema = JsonNode.Parse(new DefinitionSchema(new StageCatalog(TestStageTable.All)).Write())!;
        JsonNode train = schema["$defs"]!["train"]!;

        Assert.Equal(TestStageTable.All.Select(s => s.Name).Order(StringComparer.Ordinal), schema["$defs"]!.AsObject().Select(d => d.Key));
        Assert.Equal("train", (string)train["properties"]!["stage"]!["const"]!);
        Assert.Equal(1, (double)train["properties"]!["steps"]!["minimum"]!);
        Assert.Equal(10, (int)train["properties"]!["steps"]!["default"]!);
        Assert.Equal("Steps.", (string)train["properties"]!["steps"]!["description"]!);
        Assert.Equal(0, (double)train["properties"]!["learningRate"]!["exclusiveMinimum"]!);
        Assert.Equal(10, (double)train["properties"]!["weights"]!["items"]!["maximum"]!);
        Assert.Equal(["object", "null"], train["properties"]!["objectives"]!["properties"]!["alm"]!["type"]!.AsArray().Select(t => (string)t!));
        Assert.False((bool)train["additionalProperties"]!);
        Assert.Equal(["stage", "count"], schema["$defs"]!["make-texts"]!["required"]!.AsArray().Select(r => (string)r!));
        Assert.Equal(["upper-case", "lower-case"], schema["$defs"]!["shout"]!["properties"]!["style"]!["enum"]!.AsArray().Select(r => (string)r!));
        Assert.Equal(["name", "flows"], schema["required"]!.AsArray().Select(r => (string)r!));
    }

    [Fact]
    public void The_schema_in_pipelines_is_the_generated_one()
    {
        string path = Path.Combine(Repository.Root, "pipelines", "alm.schema.json");

        string generated = new DefinitionSchema(new StageCatalog(StageTable.All)).Write();

        // To renew it: dotnet run --project Pipeline.Host -c Release -- schema --output pipelines/alm.schema.json
        Assert.Equal(generated, File.ReadAllText(path));
    }

    [Fact]
    public void Every_definition_in_pipelines_is_valid()
    {
        var loader = new DefinitionLoader(new StageCatalog(StageTable.All), new DiskStorage());

        foreach (string path in Directory.GetFiles(Path.Combine(Repository.Root, "pipelines"), "*.json").Where(p => !p.EndsWith("schema.json", StringComparison.Ordinal)))
            loader.Load(path);
    }

    private LoadedDefinition Parse(string sink) => _loader.Parse(
        "d.json", Encoding.UTF8.GetBytes(Alm.Definition($$"""{ "stage": "make-texts", "count": 3 }, {{sink}}""")));
}
