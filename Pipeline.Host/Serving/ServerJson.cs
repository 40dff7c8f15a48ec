using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Pipeline.Host.Serving;

/// <summary>Writes answers as JSON.</summary>
internal static class ServerJson
{
    private static readonly JsonSerializerOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string ToText(JsonNode node) => node.ToJsonString(Options);

    public static async Task WriteAsync(HttpContext http, JsonNode answer, int status = StatusCodes.Status200OK)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json; charset=utf-8";
        await http.Response.WriteAsync(ToText(answer), http.RequestAborted);
    }

    /// <summary>An error in the form that OpenAI's clients expect.</summary>
    public static JsonObject Error(string message, string type, string? parameter, string? code)
        => new() { ["error"] = new JsonObject { ["message"] = message, ["type"] = type, ["param"] = parameter, ["code"] = code } };
}
