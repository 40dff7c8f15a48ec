using System.Globalization;

namespace Pipeline.Host.Recipes;

/// <summary>The recipes that train nothing. They judge an ensemble, or a model that gets a new vocabulary without training.</summary>
internal static class JudgingRecipe
{
    private const int JudgedByBytes = 50;

    /// <summary>The text of a definition that judges several models and the ensembles of them.</summary>
    /// <param name="recipe">What is wanted.</param>
    /// <param name="isOneTokenizer">Whether all models have the same tokenizer.</param>
    public static string Ensemble(Recipe recipe, bool isOneTokenizer)
    {
        string[] names = [.. Names(recipe.Models)];
        string members = string.Join(", ", names.Select(RecipeText.Json));
        long judged = isOneTokenizer ? recipe.Judged : Math.Min(recipe.Judged, JudgedByBytes);
        string why = isOneTokenizer
            ? "The models share a tokenizer: their distributions over its tokens are averaged."
            : $"The models have different tokenizers: their exact distributions over the next byte are averaged, a pass of about one position per byte for each, so {judged} documents are judged.";
        return $$"""
            {{recipe.Head($"{string.Join(", ", recipe.Models.Select(m => m.Words))} answer as one.")}}{
              "name": {{RecipeText.Json(recipe.Name)}},
              "seed": 17,
            {{Device(recipe)}}  "flows": [
            {{RecipeText.Comment(4, why)}}    { "name": "judge", "stages": [
                  {{(recipe.HeldOut ?? recipe.Texts).Read(0, judged)}},
                  { "stage": "evaluate",
                    "models": [
            {{string.Join(",\n", recipe.Models.Zip(names, (model, name) => $"          {{ \"name\": {RecipeText.Json(name)}, \"model\": {RecipeText.Json(model.Path)} }}"))}} ],
                    // Probabilities, as if one of the models were drawn for each answer; log-probabilities, where each can rule out what it holds to be impossible.
                    "ensembles": [
                      { "name": "mean of probabilities", "members": [{{members}}], "average": "probability" },
                      { "name": "mean of log-probabilities", "members": [{{members}}], "average": "log-probability" } ] } ] }
              ]
            }

            """;
    }

    /// <summary>The text of a definition that judges a model with a new tokenizer, before any training.</summary>
    public static string ZeroShot(Recipe recipe) => $$"""
        {{recipe.Head($"{recipe.Models[0].Words} gets the tokenizer {recipe.Tokenizer} without training: what that costs, in bits per byte. The model is the folder student-initial of the run.")}}{
          "name": {{RecipeText.Json(recipe.Name)}},
          "seed": 17,
        {{Device(recipe)}}  "teacher": { "model": {{RecipeText.Json(recipe.Models[0].Path)}} },
          // fvt: a new token begins as the mean of the old tokens that spell it. omp and focus are better where a "donor" model has the new tokenizer.
          "student": { "model": {{RecipeText.Json(recipe.Models[0].Path)}}, "tokenizer": {{RecipeText.Json(recipe.Tokenizer!)}}, "embeddings": "fvt" },
          "flows": [
        {{RecipeText.Comment(4, string.Create(CultureInfo.InvariantCulture, $"{recipe.Judged:N0} documents are judged: the effect of a new vocabulary is far larger than chance."))}}    { "name": "judge", "stages": [
              {{recipe.ReadJudged}},
              { "stage": "evaluate", "models": [{ "model": "teacher" }, { "model": "student-initial" }] } ] }
          ]
        }

        """;

    private static string Device(Recipe recipe) => recipe.Machine.CardBytes is null ? "" : "  \"device\": \"cuda\",\n";

    private static IEnumerable<string> Names(IReadOnlyList<RecipeModel> models)
        => models.Select((m, i) => models.Count(o => o.Name == m.Name) == 1 ? m.Name : string.Create(CultureInfo.InvariantCulture, $"{m.Name}-{i + 1}"));
}
