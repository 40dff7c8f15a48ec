using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Recipes;

/// <summary>The recipes that train. They have three flows: the teacher scores texts, a student learns from these scores, and the student is judged.</summary>
internal sealed class TrainingRecipe(Recipe recipe, IStorage storage, RecipeCheck check)
{
    // The learning rates of the definitions in pipelines/, and the number of parameters of the model that each is for.
    private static readonly Dictionary<string, (double Rate, double Parameters)> Rates = new(StringComparer.Ordinal)
    {
        ["bytes"] = (3e-5, 2.6e9),
        ["tokenizer"] = (1e-5, 3.2e9),
        ["large-to-small"] = (5e-6, 2.6e9),
    };

    private readonly TrainingSizes _sizes = TrainingSizes.Of(recipe, Rates[recipe.Kind.Name], storage);

    /// <summary>
    /// The text of the definition, with the fastest way of training that fits into memory. A student of bytes learns from next bytes if the teacher can give
    /// them, and otherwise from ALM and SFT.
    /// </summary>
    public string Write()
    {
        if (recipe.Kind.Name != "bytes")
            return Fit("");
        string bytes = Fit(null);
        try
        {
            check.Require(bytes);
            return bytes;
        }
        catch (DefinitionException e)
        {
            return Fit($"Not trained on next bytes, which is the better way to bytes: {e.Message.Split('\n')[0]}");
        }
    }

    // If nothing fits, the choice that needs the least memory is written, with a remark that says so.
    private string Fit(string? withoutBytes)
    {
        TrainingChoice[] choices = [.. TrainingChoice.Of(_sizes.StepTokens, _sizes.StudentTokens, recipe.Machine.CardBytes is not null)];
        (TrainingChoice choice, double peak) = (choices[^1], 0);
        double first = 0;
        foreach (TrainingChoice next in choices)
        {
            (choice, peak) = (next, check.PeakBytes(Text(next, "", withoutBytes), "distill"));
            first = first == 0 ? peak : first;
            if (peak <= recipe.Machine.Budget)
                break;
        }
        string budget = $"{RecipeMachine.Show(recipe.Machine.Budget)} that a run may plan with here";
        string reason = $"By the estimate of alm check, training takes {RecipeMachine.Show(peak)} of the {budget}"
            + (choice == choices[0] ? "." : $"; all weights and activations at once would take {RecipeMachine.Show(first)}.")
            + (peak > recipe.Machine.Budget ? " IT DOES NOT FIT: take a smaller student or a larger machine." : "");
        return Text(choice, reason, withoutBytes);
    }

    private string Text(TrainingChoice choice, string memory, string? withoutBytes)
    {
        bool byBytes = withoutBytes is null;
        string device = recipe.Machine.CardBytes is null ? "" : "  \"device\": \"cuda\",\n";
        string scored = string.Create(CultureInfo.InvariantCulture, $"\"batchTokens\": {(recipe.Machine.CardBytes is null ? 8192 : 16384)}{(byBytes ? ", \"bytes\": \"trunk\"" : "")}");
        string objectives = byBytes ? "{ \"bytes\": {} }" : "{ \"alm\": {}, \"sft\": {} }";
        string large = _sizes.IsLarge ? ", \"dtype\": \"bfloat16\"" + (HasExpansion ? ", \"exportWithoutExpansion\": true" : "") : "";
        return $$"""
            {{recipe.Head(Title)}}{
              "name": {{RecipeText.Json(recipe.Name)}},
              "seed": 17,
            {{device}}  "teacher": { "model": {{RecipeText.Json(recipe.Models[0].Path)}} },
            {{RecipeText.Comment(2, _sizes.VocabularyReason)}}  "student": {{Student}},
              "flows": [
            {{RecipeText.Comment(4, $"1. The teacher reads every text once; what a student needs goes to shards.{HeldOutWords}")}}    { "name": "score", "stages": [
                  {{recipe.Texts.Read(recipe.HeldOut is null ? recipe.Judged : 0, 0)}},
            {{RecipeText.Comment(6, _sizes.LengthReason)}}      { "stage": "tokenize", "maxTeacherTokens": {{_sizes.TeacherTokens}}, "maxStudentTokens": {{_sizes.StudentTokens}}{{(recipe.Texts.AreConversations ? ", \"lossOn\": \"all\"" : "")}} },
            {{RecipeText.Comment(6, byBytes ? "A student of bytes learns best from the teacher's distributions over the next byte; trunk takes them from the ordinary pass." : withoutBytes!)}}      { "stage": "score-teacher", {{scored}} },
            {{RecipeText.Comment(6, _sizes.ShardReason)}}      { "stage": "write-shards", "to": "shards", "count": {{_sizes.Shards}} } ] },

                // 2. The student learns from the shards alone; no teacher is in memory.
                { "name": "distill", "stages": [
                  { "stage": "read-shards", "from": ["run:shards"], "epochs": 0 },
            {{RecipeText.Comment(6, memory)}}      { "stage": "batch", "tokens": {{choice.BatchTokens}} },
            {{RecipeText.Comment(6, $"{_sizes.StepReason} {_sizes.RateReason}")}}      { "stage": "update-student", "to": "student", "objectives": {{objectives}},
                    "steps": {{_sizes.Steps}}, "learningRate": {{_sizes.LearningRate}}, "warmupSteps": {{_sizes.Steps / 10}}, "checkpointEvery": {{Math.Max(50, _sizes.Steps / 20)}}{{choice.Options(_sizes.StepTokens)}}{{large}} } ] },

                // 3. Bits per byte on text that nobody was trained on: the teacher, the student as it began, and as it ended.
                { "name": "judge", "stages": [
                  {{recipe.ReadJudged}},
                  { "stage": "evaluate", "models": [{ "model": "teacher" }, { "model": "student-initial" }, { "model": "run:student" }] } ] }
              ]
            }

            """;
    }

    private bool HasExpansion => recipe.Kind.Name == "bytes" && _sizes.IsLarge;

    private string HeldOutWords => recipe.HeldOut is null
        ? string.Create(CultureInfo.InvariantCulture, $" The first {recipe.Judged:N0} of {recipe.Texts.Rows:N0} rows are kept for judging, since no other text was given for that (--heldout).")
        : "";

    private string Title => recipe.Kind.Name switch
    {
        "bytes" => $"{recipe.Models[0].Words} reads and writes bytes instead of tokens.",
        "tokenizer" => $"{recipe.Models[0].Words} gets the tokenizer of {recipe.Tokenizer}.",
        _ => $"{recipe.Models[0].Words} teaches {recipe.Student!.Words}.",
    };

    private string Student => recipe.Kind.Name switch
    {
        // Large byte-level students use input expansion, as in pipelines/subword-to-bytes.json.
        "bytes" => $"{{ \"model\": {RecipeText.Json(recipe.Models[0].Path)}, \"tokenizer\": \"bytes\", \"embeddings\": \"fvt\"{(HasExpansion ? ", \"untie\": true, \"inputExpansion\": true" : "")} }}",
        "tokenizer" => $"{{ \"model\": {RecipeText.Json(recipe.Models[0].Path)}, \"tokenizer\": {RecipeText.Json(recipe.Tokenizer!)}, \"embeddings\": \"fvt\" }}",
        _ => $"{{ \"model\": {RecipeText.Json(recipe.Student!.Path)} }}",
    };
}
