using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Tests.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Models;

[Collection(TorchCollection.Name)]
public sealed class DecodingBatchTests
{
    private static readonly int[][] Prompts = [[3, 1, 4, 1, 5], [9], [2, 6, 5], [3, 1, 4, 8, 8, 2, 1], [3, 1, 4, 7]];

    [Theory]
    [MemberData(nameof(TinyConfigs.Names), MemberType = typeof(TinyConfigs))]
    public void Rows_that_come_and_go_say_what_each_says_alone(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create(name);
        DecodingMember[] members = [new(model)];
        int[][] alone = [.. Prompts.Select(prompt => Alone(members, prompt, 12))];
        using var batch = new DecodingBatch(members);
        // Who comes at which step, how: prefilled together, alone, or behind the keys of another row's first tokens, which two share.
        List<int> running = [];
        var found = new List<int>[Prompts.Length];
        KeyValueCache[] kept = [];
        for (int step = 0; step < 17; step++)
        {
            if (step == 0)
                Begin([0], batch.Prefill([Prompts[0]]));
            if (step == 2)
                Begin([1, 2], batch.Prefill([Prompts[1], Prompts[2]]));
            if (step == 3)
                kept = batch.KeysOf(running.IndexOf(0));
            if (step is 3 or 5)
            {
                int prompt = step == 3 ? 3 : 4;
                KeyValueCache[] prefix = [.. kept.Select(cache => cache.First(3))];
                batch.Extend(Prompts[prompt], prefix);
                Begin([prompt], [prefix]);
            }
            float[][] logits = batch.Next();
            for (int row = 0; row < running.Count; row++)
            {
                int id = Array.IndexOf(logits[row], logits[row].Max());
                batch.Append(row, id);
                found[running[row]].Add(id);
            }
            int[] stay = [.. Enumerable.Range(0, running.Count).Where(row => found[running[row]].Count < 12)];
            batch.Keep(stay);
            running = [.. stay.Select(row => running[row])];
        }
        Assert.Equal(alone, found.Select(ids => ids.ToArray()));

        void Begin(int[] prompts, KeyValueCache[][] keys)
        {
            batch.Add([.. prompts.Select(prompt => Prompts[prompt])], keys);
            foreach (int prompt in prompts)
                found[prompt] = [];
            running.AddRange(prompts);
        }
    }

    [Theory]
    [MemberData(nameof(TinyConfigs.Names), MemberType = typeof(TinyConfigs))]
    public void A_step_gives_the_logits_of_a_whole_pass(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create(name);
        // Or a whole pass would be compared with itself.
        Assert.Equal(model.Config.Activation != Activation.Gelu, model.CanStep(Prompts.Length));
        DecodingMember[] members = [new(model)];
        using var stepped = new DecodingBatch(members);
        using var whole = new DecodingBatch(members, useCache: false);
        stepped.Add([.. Prompts]);
        whole.Add([.. Prompts]);
        for (int step = 0; step < 6; step++)
        {
            (float[][] found, float[][] expected) = (stepped.Next(), whole.Next());
            for (int row = 0; row < Prompts.Length; row++)
            {
                double scale = expected[row].Max(Math.Abs);
                Assert.All(expected[row].Zip(found[row]), pair => Assert.Equal(pair.First, pair.Second, 2e-5 * (1 + scale)));
                int id = Array.IndexOf(expected[row], expected[row].Max());
                stepped.Append(row, id);
                whole.Append(row, id);
            }
        }
    }

    [Theory]
    [InlineData(1, 100)]
    [InlineData(2, 1)]
    [InlineData(3, 7)]
    [InlineData(16, 1000)]
    public void Threads_share_rows_so_that_each_is_done_once(int threads, int count)
    {
        using var team = new StepTeam(threads);
        for (int round = 0; round < 200; round++)
        {
            int[] done = new int[count];
            team.Run(count, long.MaxValue, (from, to) =>
            {
                for (int i = from; i < to; i++)
                    Interlocked.Increment(ref done[i]);
            });
            Assert.All(done, times => Assert.Equal(1, times));
        }
    }

    [Fact]
    public void A_model_with_itself_answers_as_itself()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        DecodingMember[] one = [new(model)], two = [new(model), new(model)];
        int[] alone = Alone(one, Prompts[0], 12);
        using var batch = new DecodingBatch(two, logits => (logits[0] + logits[1]) / 2);
        batch.Add([Prompts[0]]);
        for (int step = 0; step < 12; step++)
        {
            float[] logits = batch.Next()[0];
            batch.Append(0, Array.IndexOf(logits, logits.Max()));
        }
        Assert.Equal(alone, batch.Row(0).Skip(Prompts[0].Length));
    }

    private static int[] Alone(DecodingMember[] members, int[] prompt, int count)
        => [.. new TokenGenerator(members, new GenerationOptions { MaxNewTokens = count }).Run([prompt], new HashSet<int>(), useCache: false).Select(t => t.Id)];
}
