using System.Text;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Tests.Stages;

namespace Pipeline.Host.Tests.Definitions;

public sealed class SetArgumentTests
{
    private const string Text = """
        {
          "name": "x", "teacher": { "model": "a" },
          "flows": [ { "name": "f", "stages": [ { "stage": "make-texts", "count": 3 }, { "stage": "train", "objectives": { "alm": null } } ] } ],
        }
        """;

    private readonly DefinitionLoader _loader = new(new StageCatalog(TestStageTable.All), new DiskStorage());

    [Fact]
    public void Keys_of_the_run_and_of_records_in_it_are_set()
    {
        RunDefinition definition = Load("seed=5", "teacher.model=b/c d=e", "student.model=s", "student.inputExpansion=true", "device=cuda", "name=017");

        Assert.Equal(5, definition.Seed);
        Assert.Equal("b/c d=e", definition.Teacher!.Model);
        Assert.Equal("s", definition.Student!.Model);
        Assert.True(definition.Student.InputExpansion);
        Assert.Equal(DeviceChoice.Cuda, definition.Device);
        Assert.Equal("017", definition.Name);
    }

    [Fact]
    public void Options_of_a_stage_are_set_by_flow_and_stage()
    {
        var train = (TrainOptions)Load(
            "flows.f.train.learningRate=1e-4", "flows.f.train.objectives.alm.gamma=0.2", "flows.f.train.weights=[1, 2,]", "flows.f.train.names=[\"a\",\"b\"]",
            "flows.f.train.tokens=1e6", "flows.f.train.shuffle=false").Flows[0].Stages[1].Options;

        Assert.Equal(1e-4, train.LearningRate);
        Assert.Equal(0.2, train.Objectives.Alm!.Gamma);
        Assert.Equal(100, train.Objectives.Alm.Tau);
        Assert.Equal([1.0, 2.0], train.Weights);
        Assert.Equal(["a", "b"], train.Names!);
        Assert.Equal(1_000_000, train.Tokens);
        Assert.False(train.Shuffle);
    }

    [Fact]
    public void An_item_of_a_list_is_set_by_its_index_and_the_last_set_holds()
    {
        var train = (TrainOptions)Load("flows.f.train.weights=[1,2]", "flows.f.train.weights.1=3", "flows.f.train.weights.1=4").Flows[0].Stages[1].Options;

        Assert.Equal([1.0, 4.0], train.Weights);
    }

    [Fact]
    public void A_required_key_may_come_from_the_command_line_alone()
    {
        RunDefinition definition = LoadText(Text.Replace(", \"count\": 3", "", StringComparison.Ordinal), "flows.f.make-texts.count=9");

        Assert.Equal(9, ((MakeTextsOptions)definition.Flows[0].Stages[0].Options).Count);
    }

    [Fact]
    public void A_star_sets_every_flow_that_has_the_stage_and_each_on_its_own()
    {
        const string three = """
            {
              "name": "x",
              "flows": [
                { "name": "f", "stages": [ { "stage": "make-texts", "count": 3 }, { "stage": "train" } ] },
                { "name": "g", "stages": [ { "stage": "make-texts", "count": 4 }, { "stage": "write-lines", "to": "lines" } ] },
                { "name": "h", "stages": [ { "stage": "make-texts", "count": 5 }, { "stage": "train" } ] } ],
            }
            """;

        RunDefinition definition = LoadText(
            three, "flows.*.train.objectives={\"alm\":{\"gamma\":0.2}}", "flows.*.train.learningRate=2e-3", "flows.h.train.objectives.alm.gamma=0.7");

        TrainOptions[] trains = [.. definition.Flows.SelectMany(f => f.Stages).Select(s => s.Options).OfType<TrainOptions>()];
        Assert.Equal([2e-3, 2e-3], trains.Select(t => t.LearningRate));
        Assert.Equal([0.2, 0.7], trains.Select(t => t.Objectives.Alm!.Gamma));
        Assert.Equal([3, 4, 5], definition.Flows.Select(f => ((MakeTextsOptions)f.Stages[0].Options).Count));
        DefinitionException error = Assert.Throws<DefinitionException>(() => LoadText(three, "flows.*.tran.steps=3"));
        Assert.Contains("none of the flows f, g, h has a stage 'tran'; did you mean 'train'?", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<DefinitionException>(() => LoadText(three, "flows.*.train.steps=0"));
        Assert.Contains("flow 'f', stage 'train': 'steps': found the number 0", error.Message, StringComparison.Ordinal);
        Assert.Contains("flow 'h', stage 'train': 'steps': found the number 0", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("seed", "expected PATH=VALUE")]
    [InlineData("=3", "expected PATH=VALUE")]
    [InlineData("a..b=3", "expected PATH=VALUE")]
    [InlineData("sead=3", "unknown key 'sead'; did you mean 'seed'?")]
    [InlineData("seed=often", "'seed': found the string \"often\", expected a whole number")]
    [InlineData("seed.x=3", "'seed': found an object, expected a whole number")]
    [InlineData("name.x=3", "'name' is the string \"x\"; it has no key 'x'")]
    [InlineData("flows=[]", "flows cannot be set as a whole")]
    [InlineData("flows.f=3", "flows cannot be set as a whole")]
    [InlineData("flows.g.train.steps=3", "there is no flow 'g'; did you mean 'f'?")]
    [InlineData("flows.f.tran.steps=3", "flow 'f' has no stage 'tran'; did you mean 'train'?")]
    [InlineData("flows.*=3", "FLOW is * or one of f")]
    [InlineData("flows.*.*.steps=3", "none of the flows f has a stage '*'")]
    [InlineData("flows.f.*.steps=3", "flow 'f' has no stage '*'")]
    [InlineData("flows.*.train=3", "cannot exchange or rename a stage")]
    [InlineData("flows.f.train=3", "cannot exchange or rename a stage")]
    [InlineData("flows.f.train.stage=shout", "cannot exchange or rename a stage")]
    [InlineData("flows.f.train.stepps=3", "unknown key 'stepps'; did you mean 'steps'?")]
    [InlineData("flows.f.train.steps=0", "'steps': found the number 0, expected at least 1")]
    [InlineData("flows.f.train.objectives.alm.gamma=2", "'objectives.alm.gamma': found the number 2, expected 0..1")]
    [InlineData("teacher.modle=x", "unknown key 'teacher.modle'; did you mean 'model'?")]
    [InlineData("teacher=null", "")]
    public void An_error_names_the_set_it_came_from(string set, string message)
    {
        if (message.Length == 0)
        {
            Assert.Null(Load(set).Teacher);
            return;
        }

        DefinitionException error = Assert.Throws<DefinitionException>(() => Load(set));

        Assert.StartsWith($"--set {set}: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.EndsWith("1 error; nothing was started", error.Message, StringComparison.Ordinal);
    }

    private RunDefinition Load(params string[] sets) => LoadText(Text, sets);

    private RunDefinition LoadText(string text, params string[] sets) => _loader.Parse("d.json", Encoding.UTF8.GetBytes(text), sets).Definition;
}
